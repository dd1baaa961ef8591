//! Keys before there is a server.

use super::rig::Shell;

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
