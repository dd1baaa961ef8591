//! Another process changes the row that we are about to change: neither change is lost. SQLite has one writer, so there
//! it cannot happen.

use std::time::Duration;

use crm::domain::export::{ExportFilter, ExportFormat, ExportJob, ExportOrder, ExportWhat};
use crm::domain::message::MessageState;
use crm::domain::rights::Sight;
use crm::domain::{Clock as _, ExportId, OwnerId};
use crm::store::{CustomerChange, ExportEnd, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};

use super::databases::{BEGIN, Database, Kind, on_each_database};
use super::raw;
use crate::store::desk::{self, outbound, take};

on_each_database! {
    opt_out_during_change_of_customer_stays,
    message_counted_during_reading_leaves_no_unread,
    cancelled_message_is_seen_as_cancelled,
    groups_of_two_processes_in_opposite_order_commit,
    export_is_claimed_by_one_process,
}

/// MariaDB renews what it tells of transactions only when nobody has asked for a tenth of a second.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// Longest time until the store waits for the other process.
const IN_TIME: Duration = Duration::from_secs(10);
/// A claim of an export has ended by then.
const CLAIM: Duration = Duration::from_mins(1);
/// Rounds in which two processes write the same rows in opposite order, and rows.
const ROUNDS: usize = 3;
const ROWS: i64 = 30;

async fn opt_out_during_change_of_customer_stays(database: Database) {
    let store = database.open().await;
    let customer = desk::ada(&store).await.customer_id.unwrap();
    if database.kind == Kind::Sqlite {
        return store.close().await;
    }
    let other = Other::begin(&database).await;
    other
        .run("UPDATE customers SET opted_out_at = 7, opted_out_by = 'them'")
        .await;
    let change = CustomerChange {
        status: Some("lead".to_owned()),
        ..CustomerChange::default()
    };
    let changing = spawn(&store, |store| async move {
        let changed = store.write((customer, change), |tx, (customer, change)| {
            async move { tx.customers().update(*customer, change).await.map(drop) }.boxed()
        });
        changed.await
    });
    other.commit_once_waited_for(&database).await;
    changing.await.unwrap().unwrap();
    let customer = store.customers().get(customer).await.unwrap().unwrap();
    assert_eq!(customer.status, "lead");
    assert_eq!(customer.opted_out_by.as_deref(), Some("them"));
    store.close().await;
}

async fn message_counted_during_reading_leaves_no_unread(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = ada.id;
    let counted = store.write(id, |tx, &id| {
        async move { tx.conversations().add_unread(id, 1).await }.boxed()
    });
    counted.await.unwrap();
    if database.kind == Kind::Sqlite {
        return store.close().await;
    }
    let other = Other::begin(&database).await;
    for table in ["conversations", "customers"] {
        other
            .run(&format!("UPDATE {table} SET unread_count = unread_count + 1"))
            .await;
    }
    let reading = spawn(&store, move |store| async move {
        let read = store.write(id, |tx, &id| {
            async move { tx.conversations().clear_unread(id).await }.boxed()
        });
        read.await.map(drop)
    });
    other.commit_once_waited_for(&database).await;
    reading.await.unwrap().unwrap();
    for table in ["conversations", "customers"] {
        let left = raw::numbers(&database, &format!("SELECT unread_count FROM {table}")).await;
        assert_eq!(left, [0], "{table}");
    }
    store.close().await;
}

async fn cancelled_message_is_seen_as_cancelled(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = desk::new(take(&store, outbound(&ada, "k", "Hi", BEGIN)).await.unwrap()).id;
    if database.kind == Kind::Sqlite {
        return store.close().await;
    }
    let other = Other::begin(&database).await;
    other.run("UPDATE messages SET state = 'failed'").await;
    let seen = spawn(&store, move |store| async move {
        let seen = store.write(id, |tx, &id| async move { tx.messages().lock(id).await }.boxed());
        seen.await.map(|message| message.unwrap().state)
    });
    other.commit_once_waited_for(&database).await;
    assert_eq!(seen.await.unwrap().unwrap(), MessageState::Failed);
    store.close().await;
}

/// Each locks what the other wants next, so the database ends one of them, which runs again.
async fn groups_of_two_processes_in_opposite_order_commit(database: Database) {
    let (one, two) = (database.open().await, database.open().await);
    let account = desk::account(&one).await;
    let mut rows = Vec::new();
    for i in 0..ROWS {
        rows.push(
            desk::conversation(&one, account, &format!("+4477009{}", 10_000 + i))
                .await
                .id,
        );
    }
    let backwards: Vec<_> = rows.iter().rev().copied().collect();
    for _ in 0..ROUNDS {
        let count = |store: &Store, id| {
            let store = store.clone();
            async move {
                let counted = store.write(id, |tx, &id| {
                    async move { tx.conversations().add_unread(id, 1).await }.boxed()
                });
                counted.await
            }
        };
        let (first, second) = tokio::join!(
            join_all(rows.iter().map(|&id| count(&one, id))),
            join_all(backwards.iter().map(|&id| count(&two, id)))
        );
        for counted in first.into_iter().chain(second) {
            counted.unwrap();
        }
    }
    let counts = raw::numbers(&database, "SELECT unread_count FROM conversations").await;
    assert!(
        counts.iter().all(|&count| count == 2 * i64::try_from(ROUNDS).unwrap()),
        "{counts:?}"
    );
    one.close().await;
    two.close().await;
}

/// Both want the same export at once, when it is asked for and when its process has stopped claiming it.
async fn export_is_claimed_by_one_process(database: Database) {
    let (one, two) = (database.open().await, database.open().await);
    let order = ExportOrder {
        what: ExportWhat::Customers,
        format: ExportFormat::Ndjson,
        filter: ExportFilter::default(),
        sight: Sight::of(None, OwnerId(1)),
        owner: OwnerId(1),
        asked_by: "grace".to_owned(),
    };
    let added = one.write(order, |tx, order| async move { tx.exports().add(order).await }.boxed());
    let id = added.await.unwrap().id;
    for attempt in 1..=2 {
        for store in [&one, &two] {
            let free = store.exports().takeable(database.clock.now()).await.unwrap();
            assert_eq!(free, Some(id), "both want it");
        }
        let claimed = claimed_by_both(&database, [&one, &two], id).await;
        let attempts: Vec<_> = claimed.iter().map(|job| job.attempts).collect();
        assert_eq!(attempts, [attempt], "one of them has it");
        database.clock.advance(CLAIM);
    }
    // Who lost it to the other neither goes on nor ends it.
    for (attempt, is_holder) in [(1, false), (2, true)] {
        let held = one.write(attempt, move |tx, &attempt| {
            async move { tx.exports().hold(id, attempt, 7, 70).await }.boxed()
        });
        assert_eq!(held.await.unwrap(), is_holder, "attempt {attempt}");
        let ended = two.write(attempt, move |tx, &attempt| {
            let end = ExportEnd::Failed("the disk is full".to_owned());
            async move { tx.exports().end(id, attempt, &end).await }.boxed()
        });
        assert_eq!(ended.await.unwrap().is_some(), is_holder, "attempt {attempt}");
    }
    one.close().await;
    two.close().await;
}

/// Lets two processes claim an export at once. Returns the claims that were granted.
async fn claimed_by_both(database: &Database, stores: [&Store; 2], id: ExportId) -> Vec<ExportJob> {
    let other = match database.kind {
        Kind::Sqlite => None,
        _ => Some(Other::begin(database).await),
    };
    if let Some(other) = &other {
        other.run("SELECT id FROM exports FOR UPDATE").await;
    }
    let claims = stores.map(|store| {
        spawn(store, move |store| async move {
            let claim = store.write(id, |tx, &id| async move { tx.exports().claim(id).await }.boxed());
            claim.await
        })
    });
    if let Some(other) = other {
        other.commit_once_waited_for_by(2, database).await;
    }
    let claims = join_all(claims);
    let claimed = claims.await.into_iter().map(|claim| claim.unwrap().unwrap());
    claimed.flatten().collect()
}

/// Starts work that will wait for the other process.
#[expect(clippy::disallowed_methods, reason = "the test awaits the task itself")]
fn spawn<T, R>(store: &Store, work: impl FnOnce(Store) -> R) -> tokio::task::JoinHandle<Result<T, StoreError>>
where
    T: Send + 'static,
    R: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    tokio::spawn(work(store.clone()))
}

/// The other process, in a transaction.
pub struct Other {
    connection: DatabaseConnection,
    transaction: DatabaseTransaction,
}

impl Other {
    pub async fn begin(database: &Database) -> Self {
        let connection = sea_orm::Database::connect(&database.url).await.unwrap();
        let transaction = connection.begin().await.unwrap();
        Self {
            connection,
            transaction,
        }
    }

    pub async fn run(&self, statement: &str) {
        self.transaction.execute_unprepared(statement).await.unwrap();
    }

    /// Commits as soon as somebody waits for one of its locks.
    pub async fn commit_once_waited_for(self, database: &Database) {
        self.commit_once_waited_for_by(1, database).await;
    }

    /// Commits as soon as so many wait for its locks.
    pub async fn commit_once_waited_for_by(self, count: i64, database: &Database) {
        let waiting = match database.kind {
            Kind::Postgres => {
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            }
            _ => {
                "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
                 ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()"
            }
        };
        let waited_for = async {
            while raw::numbers(database, waiting).await[0] < count {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(IN_TIME, waited_for)
            .await
            .expect("nobody waits for the lock");
        self.transaction.commit().await.unwrap();
        self.connection.close().await.unwrap();
    }
}
