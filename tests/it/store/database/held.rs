//! Another program holds what every write needs: writes are refused in time, and go on afterwards.

use std::time::Duration;

use crm::store::{Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

use super::databases::{BEGIN, Database, on_each_database};
use crate::store::desk::{self, inbound, take};

on_each_database! {
    held_journal_refuses_writes_within_ten_seconds,
    write_given_up_in_queue_has_no_effect,
}

/// Longest time that a caller waits for its answer.
const IN_TIME: Duration = Duration::from_secs(10);

async fn held_journal_refuses_writes_within_ten_seconds(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    store.check_writable().await.unwrap();
    let other = sea_orm::Database::connect(&database.url).await.unwrap();
    let held = hold(&other).await;

    let began = tokio::time::Instant::now();
    let writes = (0..20).map(|i| take(&store, inbound(&ada, &format!("A{i}"), "hello", BEGIN)));
    let (refused, probe) = tokio::join!(join_all(writes), store.check_writable());
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    }
    assert!(matches!(probe, Err(StoreError::Busy(_))), "{probe:?}");
    assert!(store.journal().range().await.is_ok(), "reading goes on");

    held.rollback().await.unwrap();
    other.close().await.unwrap();
    take(&store, inbound(&ada, "B", "hello", BEGIN)).await.unwrap();
    store.check_writable().await.unwrap();
    store.close().await;
}

/// It waits behind a write that lasts longer than callers wait; that one is not disturbed.
#[expect(clippy::disallowed_methods, reason = "the test awaits the task itself")]
async fn write_given_up_in_queue_has_no_effect(database: Database) {
    let store = database.open().await;
    desk::account(&store).await;
    let (began, running) = tokio::sync::oneshot::channel();
    let began = std::sync::Mutex::new(Some(began));
    let long = {
        let store = store.clone();
        tokio::spawn(async move {
            let write = store.write(began, |tx, began| {
                async move {
                    if let Some(began) = began.lock().unwrap().take() {
                        began.send(()).unwrap();
                    }
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    tx.settings().set("long", Some("done")).await
                }
                .boxed()
            });
            write.await
        })
    };
    running.await.unwrap();
    let refused = set(&store, "given up").await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    long.await.unwrap().unwrap();
    set(&store, "after").await.unwrap();
    assert_eq!(store.settings().get("long").await.unwrap().as_deref(), Some("done"));
    assert_eq!(store.settings().get("given up").await.unwrap(), None);
    store.close().await;
}

async fn set(store: &Store, name: &'static str) -> Result<(), StoreError> {
    store
        .write(name, |tx, name| {
            async move { tx.settings().set(name, Some("done")).await }.boxed()
        })
        .await
}

/// Begins a transaction that holds the head of the journal.
async fn hold(connection: &DatabaseConnection) -> sea_orm::DatabaseTransaction {
    let held = connection.begin().await.unwrap();
    held.execute_unprepared("UPDATE journal_head SET seq = seq")
        .await
        .unwrap();
    held
}
