//! Keys before there is a server, and those whose loss locks people out.

use super::rig::Shell;
use super::serving::Served;
use crate::api::app::App;

/// Only its maker can read the data folder.
#[tokio::test]
async fn first_key_is_made_without_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let shell = Shell::bare().with("CRM_URL", "http://127.0.0.1:9");
    let made = shell.ok(&["key", "create", "shop", "--scope", "send"]).await;
    assert!(
        made.out.starts_with("crm_") && made.out.lines().count() == 1,
        "{made:?}"
    );
    assert!(made.err.contains("only now"));
    let bits = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(bits(shell.data_dir()), 0o700);
    assert_eq!(bits(shell.data_dir().join("crm.db")), 0o600);

    std::fs::set_permissions(shell.data_dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = shell.run(&["key", "create", "shop"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("chmod 700"), "{}", refused.err);
}

/// Nobody locks themselves out unasked, and who did is told the way in.
#[tokio::test]
async fn own_key_is_revoked_only_when_confirmed() {
    let served = Served::start(Shell::bare()).await;
    let shell = &served.shell;
    let own = shell.ok(&["key", "list", "-q"]).await.out.trim().to_owned();
    let asked = shell.run(&["key", "revoke", &own]).await;
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(
        asked.err.contains("--yes") && asked.err.contains("last key that may administer"),
        "{asked:?}"
    );
    let other = shell.ok(&["key", "create", "shop", "-o", "json"]).await.json();
    shell.ok(&["key", "revoke", &other["id"].to_string()]).await;
    shell.ok(&["key", "create", "second", "--scope", "admin"]).await;
    let asked = shell.run(&["key", "revoke", &own]).await;
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(
        asked.err.contains("use yourself") && !asked.err.contains("last key"),
        "{asked:?}"
    );
    shell.ok(&["key", "revoke", &own, "--yes"]).await;

    // No circle: `crm key create` needs a key itself.
    let locked_out = shell.run(&["key", "create", "third"]).await;
    assert_eq!(locked_out.code, Some(1), "{locked_out:?}");
    assert!(
        locked_out.err.contains("stop the server, delete admin.key"),
        "{locked_out:?}"
    );
    let tail = shell.run(&["tail"]).await;
    assert!(tail.err.contains("stop the server, delete admin.key"), "{tail:?}");
    let (shell, _) = served.end().await;
    std::fs::remove_file(shell.data_dir().join("admin.key")).unwrap();
    let served = Served::start(shell).await;
    served.shell.ok(&["key", "list"]).await;
    served.end().await;
}

/// A script keeps what is shown only this once.
#[tokio::test]
async fn quiet_key_create_prints_the_key() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let made = shell.ok(&["key", "create", "shop", "-q"]).await;
    assert!(
        made.out.starts_with("crm_") && made.out.lines().count() == 1,
        "{made:?}"
    );
    let rotated = shell.ok(&["key", "rotate", "2", "-q"]).await;
    assert!(rotated.out.starts_with("crm_"), "{rotated:?}");
    app.stop().await;
}
