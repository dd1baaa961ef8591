//! `crm matrix`: the registration file, and what is refused.

use std::os::unix::fs::PermissionsExt as _;

use crm::matrix::Registration;

use rustix::process::Signal;

use super::rig::Shell;
use super::serving::{Served, log_of};

#[tokio::test]
async fn registration_is_private_and_keeps_its_tokens() {
    let shell = Shell::bare().with("CRM_MATRIX_AGENTS", "@ada:example.org");
    let made = shell
        .ok(&["matrix", "registration", "--url", "http://127.0.0.1:8000"])
        .await;
    let file = shell.data_dir().join("matrix/registration.yaml");
    let first = Registration::parse(&made.out).unwrap();
    assert_eq!(
        Registration::parse(&std::fs::read_to_string(&file).unwrap()).unwrap(),
        first
    );
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(first.namespaces.users[0].regex, r"@wa_.*:example\.org");
    assert!(first.as_token.len() == 64 && first.as_token != first.hs_token);
    assert!(made.err.contains("app_service_config_files"), "{}", made.err);
    assert!(!made.err.contains(&first.as_token), "{}", made.err);

    let again = shell
        .ok(&[
            "matrix",
            "registration",
            "--url",
            "http://crm:9000",
            "--server",
            "example.net",
        ])
        .await;
    let second = Registration::parse(&again.out).unwrap();
    assert_eq!((&second.as_token, &second.hs_token), (&first.as_token, &first.hs_token));
    assert_eq!(second.url.as_deref(), Some("http://crm:9000"));
    assert_eq!(second.namespaces.users[0].regex, r"@wa_.*:example\.net");

    std::fs::write(&file, "tokens: lost").unwrap();
    let broken = shell.run(&["matrix", "registration"]).await;
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(broken.err.contains("is not a registration"), "{broken:?}");
}

#[tokio::test]
async fn combinations_that_cannot_work_say_what_to_do() {
    for (variables, arguments, why) in [
        (vec![], vec!["matrix", "check"], "set CRM_MATRIX_MODE=service"),
        (
            vec![("CRM_MATRIX_MODE", "service")],
            vec!["matrix", "check"],
            "CRM_MATRIX_HOMESERVER is not set",
        ),
        (
            vec![
                ("CRM_MATRIX_MODE", "service"),
                ("CRM_MATRIX_HOMESERVER", "http://127.0.0.1:1"),
            ],
            vec!["serve", "--listen", "127.0.0.1:0"],
            "make it with `crm matrix registration",
        ),
        (
            vec![("CRM_MATRIX_MODE", "service"), ("CRM_MATRIX_ENCRYPTION", "on")],
            vec!["status"],
            "encryption comes later",
        ),
        (vec![("CRM_MATRIX_MODE", "both")], vec!["status"], "bot or service"),
        (
            vec![("CRM_MATRIX_MODE", "service")],
            vec!["matrix", "reset", "--yes"],
            "has no login and no encryption keys",
        ),
        (
            vec![("CRM_MATRIX_MODE", "bot")],
            vec!["matrix", "verify"],
            "CRM_MATRIX_HOMESERVER is not set",
        ),
        (vec![], vec!["matrix", "reset"], "Confirm with --yes"),
    ] {
        let mut shell = Shell::bare();
        for (name, value) in variables {
            shell = shell.with(name, value);
        }
        let refused = shell.run(&arguments).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains(why), "{why}: {refused:?}");
    }
}

#[tokio::test]
async fn recovery_key_is_restored_privately_and_printed() {
    let shell = Shell::bare();
    let absent = shell.run(&["matrix", "recovery-key"]).await;
    assert_eq!(absent.code, Some(3), "{absent:?}");
    assert!(absent.err.contains("--restore"), "{absent:?}");
    let wrong = shell.told(&["matrix", "recovery-key", "--restore"], "hunter2\n").await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(!wrong.err.contains("hunter2"), "{wrong:?}");

    let key = "EsTj qRGp YB4C bKN1 9dkr 1111 2222 3333 4444 5555 6666 7777";
    let restored = shell.told(&["matrix", "recovery-key", "--restore"], key).await;
    assert_eq!((restored.code, restored.out.as_str()), (Some(0), ""), "{restored:?}");
    let file = shell.data_dir().join("matrix-recovery.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let printed = shell.ok(&["matrix", "recovery-key"]).await;
    assert_eq!(printed.out.trim(), key);
    assert!(!printed.err.contains("EsTj"), "{}", printed.err);
}

/// The login goes, the registration beside it and the recovery key stay; with a new backup the key goes too.
#[tokio::test]
async fn reset_forgets_login_and_keeps_the_rest() {
    let shell = Shell::bare();
    let folder = shell.data_dir().join("matrix");
    std::fs::create_dir_all(folder.join("store")).unwrap();
    std::fs::set_permissions(shell.data_dir(), std::fs::Permissions::from_mode(0o700)).unwrap();
    for file in ["session.json", "store.key", "registration.yaml", "store/db"] {
        std::fs::write(folder.join(file), "x").unwrap();
    }
    let key = shell.data_dir().join("matrix-recovery.key");
    std::fs::write(&key, "key").unwrap();
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let asked = shell.run(&["matrix", "reset"]).await;
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.err.contains("come back with the recovery key"), "{asked:?}");
    assert_eq!(files().len(), 4, "nothing is done unasked");
    shell.ok(&["matrix", "reset", "--yes"]).await;
    assert_eq!(files(), ["registration.yaml"]);
    assert!(key.exists());
    shell.ok(&["matrix", "reset", "--yes", "--new-backup"]).await;
    assert_eq!(files(), ["new-backup", "registration.yaml"]);
    assert!(!key.exists());
}

/// rule 26. Two would show each message twice.
#[tokio::test]
async fn one_server_of_a_database_keeps_rooms() {
    const ELSEWHERE: &str = "keeps the rooms in Matrix";
    let database = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/crm.db", database.path().display());
    let shell = || {
        Shell::bare()
            .with("CRM_DATABASE_URL", &url)
            .with("CRM_MATRIX_HOMESERVER", "http://127.0.0.1:9")
            .with("CRM_MATRIX_USER", "desk")
            .with("CRM_MATRIX_PASSWORD", "secret")
            .with("CRM_MATRIX_AGENTS", "@ada:example.org")
    };
    let matrix_of = async |served: &Served| {
        let status = served.shell.ok(&["status", "-o", "json"]).await.json();
        status["matrix"]["state"].as_str().unwrap().to_owned()
    };
    let (one, two) = (Served::start(shell()).await, Served::start(shell()).await);
    assert_ne!(matrix_of(&one).await, "elsewhere");
    assert_eq!(matrix_of(&two).await, "elsewhere");
    let told = two.shell.ok(&["status"]).await.out;
    assert!(
        told.contains("keeps the rooms") && told.contains("crm matrix release"),
        "{told}"
    );
    assert!(log_of(&two.shell).contains(ELSEWHERE), "{}", log_of(&two.shell));
    let (two, _) = two.end().await;

    // Nobody takes them from one that runs.
    let refused = two.run(&["matrix", "release"]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");

    // A killed one keeps them for its next start; one that is released gives them away.
    let (one, _) = one.end_with(Signal::KILL).await;
    let served = Served::start(two).await;
    assert_eq!(matrix_of(&served).await, "elsewhere");
    let (two, _) = served.end().await;
    two.ok(&["matrix", "release"]).await;
    let served = Served::start(two).await;
    assert_ne!(matrix_of(&served).await, "elsewhere");

    // Who stops in order lets go.
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));
    let served = Served::start(one).await;
    assert_ne!(matrix_of(&served).await, "elsewhere");

    // The release of an account that the same process drove lets go of them too.
    let (one, _) = served.end_with(Signal::KILL).await;
    let two = shell();
    let served = Served::start(two).await;
    assert_eq!(matrix_of(&served).await, "elsewhere");
    let (two, _) = served.end().await;
    two.ok(&["account", "release", "default"]).await;
    let served = Served::start(two).await;
    assert_ne!(matrix_of(&served).await, "elsewhere");
    served.end().await;
    drop(one);
}

/// A file is copied from what is printed: on a terminal too, and programs get its fields.
#[tokio::test]
async fn registration_is_printed_raw_and_as_json() {
    let shell = Shell::bare().with("CRM_MATRIX_AGENTS", "@ada:example.org");
    let print = ["matrix", "registration", "--url", "http://127.0.0.1:8000"];
    let file = shell.data_dir().join("matrix/registration.yaml");
    let shown = shell.on_terminal(&print, 40).await.out;
    let text = std::fs::read_to_string(&file).unwrap();
    // The screen has the advice too, which goes to standard error.
    assert!(shown.contains(&text), "{shown}");
    let told = shell.ok(&[&print[..], &["-o", "json"]].concat()).await.json();
    let kept = Registration::parse(&text).unwrap();
    assert_eq!(told["as_token"].as_str(), Some(kept.as_token.as_str()));
    let id = shell.ok(&[&print[..], &["-q"]].concat()).await.out;
    assert_eq!(id.trim_end(), kept.id);
}
