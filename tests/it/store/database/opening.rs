//! A database that is not as it should be says so, and what to do.

use std::sync::Arc;
use std::time::Duration;

use crm::store::{MessageFilter, OpenOptions, Store, StoreError};
use futures_util::future::try_join_all;

use super::databases::{BEGIN, Database, Kind, TestClock, on_each_database};
use super::raw;
use crate::store::desk;
use crate::store::desk::{inbound, take};

on_each_database! {
    newer_database_is_refused,
    read_only_database_is_refused,
    parallel_starts_make_tables_once,
    stored_message_survives_restart,
}

async fn newer_database_is_refused(database: Database) {
    database.open().await.close().await;
    raw::execute(
        &database,
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_next', 0)",
    )
    .await;
    let error = database.try_open().await.err().unwrap();
    assert!(
        matches!(&error, StoreError::Newer { found } if found == "m9999_next"),
        "{error}"
    );
    assert!(error.to_string().contains("start that version"));
}

async fn read_only_database_is_refused(mut database: Database) {
    database.open().await.close().await;
    match database.kind {
        Kind::Sqlite => database.url.push_str("?mode=ro"),
        Kind::Postgres => {
            let name = database.url.rsplit('/').next().unwrap().to_owned();
            raw::execute(
                &database,
                &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
            )
            .await;
        }
        // The server's own switch would hit the other tests, and does not bind its owner.
        Kind::MariaDb => return,
    }
    let error = database.try_open().await.err().unwrap();
    assert!(matches!(error, StoreError::ReadOnly(_)), "{error}");
}

async fn parallel_starts_make_tables_once(database: Database) {
    let stores = try_join_all((0..3).map(|_| database.try_open())).await.unwrap();
    desk::account(&stores[0]).await;
    for store in stores {
        assert_eq!(store.accounts().present().await.unwrap().len(), 1);
        store.close().await;
    }
}

async fn stored_message_survives_restart(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    take(&store, inbound(&ada, "A1", "x", BEGIN)).await.unwrap();
    drop(store);
    let store = database.open().await;
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 1);
    store.close().await;
}

#[tokio::test]
async fn bad_database_url_error_hides_password() {
    for (url, unreachable) in [
        ("", false),
        ("crm.db", false),
        ("sqlite::memory:", false),
        ("oracle://x", false),
        ("sqlite:///no/such/folder/crm.db", true),
        ("postgres://crm:hunter2@127.0.0.1:1/crm", true),
        ("mysql://crm:hunter2@127.0.0.1:1/crm", true),
    ] {
        let options = OpenOptions {
            connect_within: Duration::from_millis(200),
            ..OpenOptions::new(url)
        };
        let error = options.open(Arc::new(TestClock::new())).await.err().unwrap();
        let told = if unreachable {
            matches!(error, StoreError::Unreachable(_))
        } else {
            matches!(error, StoreError::BadAddress(_))
        };
        assert!(told, "{url}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn full_disk_loses_no_accepted_message() {
    let database = Database::new(Kind::Sqlite).await;
    database.open().await.close().await;
    let options = OpenOptions {
        max_pages: Some(300),
        ..database.options()
    };
    let store = options.open(Arc::new(database.clock.clone())).await.unwrap();
    let ada = desk::ada(&store).await;
    let mut accepted = 0;
    let error = loop {
        match take(&store, inbound(&ada, &format!("A{accepted}"), &"x".repeat(9000), BEGIN)).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1000, "the disk never filled up");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!(!error.is_permanent(), "there may be room again");
    assert!(accepted > 0);
    store.close().await;
    let store = database.open().await;
    assert_eq!(
        store.messages().count(MessageFilter::default()).await.unwrap(),
        accepted
    );
    take(&store, inbound(&ada, "again", "x", BEGIN)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    std::fs::write(&path, "not a database, but long enough to be looked at ".repeat(40)).unwrap();
    let url = format!("sqlite://{}", path.display());
    let error = Store::open(&url, Arc::new(TestClock::new())).await.err().unwrap();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}
