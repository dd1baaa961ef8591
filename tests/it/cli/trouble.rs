//! What is wrong with the machine or the data, told by the commands with what to do, and nothing lost by it.

use std::time::Duration;

use serde_json::Value;

use super::rig::{Ended, PATIENCE, Shell};
use super::serving::Served;

fn finding<'a>(findings: &'a Value, check: &str) -> &'a Value {
    let found = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} in {findings}"))
}

/// `doctor` and `status` say what to install or correct.
#[tokio::test]
async fn missing_browser_or_driver_is_explained() {
    // A driver that is installed is found without a PATH too.
    let shell = Shell::bare()
        .with("CRM_WHATSAPP_BROWSER", "/nowhere/chromium")
        .with("CRM_WHATSAPP_DRIVER", "/nowhere/chromedriver");
    let ended = shell.run(&["doctor", "-o", "json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let findings = ended.json();
    let browser = finding(&findings, "browser");
    assert_eq!(browser["verdict"], "failed");
    assert!(
        browser["detail"]
            .as_str()
            .unwrap()
            .contains("correct CRM_WHATSAPP_BROWSER")
    );
    let driver = finding(&findings, "driver");
    assert_eq!(driver["verdict"], "failed");
    assert!(
        driver["detail"]
            .as_str()
            .unwrap()
            .contains("correct CRM_WHATSAPP_DRIVER")
    );

    let served = Served::start(Shell::bare()).await;
    let told = async {
        loop {
            let status = served.shell.ok(&["status", "-o", "json"]).await.json();
            let account = status["accounts"][0].clone();
            if account["state"] == "failed" {
                return account["detail"].as_str().unwrap_or_default().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let detail = tokio::time::timeout(PATIENCE, told)
        .await
        .expect("the state becomes failed");
    assert!(
        detail.contains("/nowhere/chromium") && detail.contains("CRM_WHATSAPP_BROWSER"),
        "{detail}"
    );
    // Everything else works meanwhile.
    served.shell.ok(&["customer", "list"]).await;
    served.end().await;
}

#[tokio::test]
async fn unusable_database_ends_start_with_advice() {
    let served = Served::start(Shell::bare()).await;
    let (shell, _) = served.end().await;
    let file = shell.data_dir().join("crm.db");
    let address = format!("sqlite://{}", file.display());

    let read_only = format!("{address}?mode=ro");
    let output = shell.command(&["serve"]).env("CRM_DATABASE_URL", &read_only).output();
    let ended = Ended::from(tokio::time::timeout(PATIENCE, output).await.expect("it ends").unwrap());
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("read-only") || ended.err.contains("cannot be written"),
        "{ended:?}"
    );

    let connection = sea_orm::Database::connect(&address).await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_next', 0)";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, newer)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let ended = shell.run(&["serve"]).await;
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("m9999_next") && ended.err.contains("start that version"),
        "{ended:?}"
    );
    let ended = shell.run(&["doctor", "-o", "json"]).await;
    assert_eq!(finding(&ended.json(), "database")["verdict"], "failed");

    std::fs::write(&file, "not a database, but long enough to be looked at ".repeat(40)).unwrap();
    let ended = shell.run(&["serve"]).await;
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.starts_with("crm: "), "{ended:?}");
    assert!(
        std::fs::read_to_string(&file).unwrap().starts_with("not a database"),
        "left as it was"
    );
}

/// A key that everybody knows would be one to nobody's surprise: the start says so.
#[tokio::test]
async fn empty_admin_key_refuses_start() {
    use std::os::unix::fs::DirBuilderExt as _;
    for content in ["", "\n", "crm_", "password", "crm_short\n"] {
        let shell = Shell::bare();
        let data = shell.data_dir();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data)
            .unwrap();
        std::fs::write(data.join("admin.key"), content).unwrap();
        let ended = shell.run(&["serve", "--listen", "127.0.0.1:0"]).await;
        assert_eq!(ended.code, Some(1), "{content:?}: {ended:?}");
        assert!(
            ended.err.contains("admin.key does not hold a key"),
            "{content:?}: {ended:?}"
        );
        assert_eq!(
            std::fs::read_to_string(data.join("admin.key")).unwrap(),
            content,
            "it is left for its owner"
        );
    }
}
