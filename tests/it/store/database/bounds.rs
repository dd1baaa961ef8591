//! What is bounded: a look at the oldest work of one account, a walk along merged conversations, the values of one query.

use std::time::Duration;

use crm::domain::AccountId;
use crm::domain::conversation::Conversation;
use crm::domain::message::Message;
use crm::domain::outbox::MatrixWork;
use crm::store::{NewWork, PendingEvent, Store, StoreError};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::databases::{BEGIN, Database, Kind, on_each_database};
use super::many_rows::number;
use super::raw;
use crate::store::desk;
use crate::store::desk::{inbound, new, outbound, take};
use crate::store::people::merges;

on_each_database! {
    /// rule 4.
    expiry_ignores_other_accounts_backlog,
    /// rule 1.
    told_events_do_not_hide_new_ones,
    full_quarantine_drops_its_oldest,
    conversation_cycle_ends_walk,
    merge_moves_any_backlog,
}

/// No walk takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Most items of one account that stay in the quarantine.
const KEPT: i64 = 20_000;

async fn full_quarantine_drops_its_oldest(database: Database) {
    let store = database.open().await;
    let account = second_account(&store).await;
    let bytes = if database.kind == Kind::Postgres {
        "CAST('' AS bytea)"
    } else {
        "X''"
    };
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    number(&connection, KEPT).await;
    connection.close().await.unwrap();
    let fill = format!(
        "INSERT INTO quarantine (source, account_id, bytes, error, fingerprint, times, first_seen, last_seen) \
         SELECT 'whatsapp', {account}, {bytes}, 'no', CONCAT('print', i), 1, 0, 0 FROM numbers"
    );
    raw::execute(&database, &fill).await;
    let before = raw::numbers(&database, "SELECT MIN(id) FROM quarantine").await[0];
    let other = desk::account(&store).await;
    for of in [account, other] {
        store
            .write::<_, _, StoreError, _>(of, |tx, &of| {
                async move { tx.quarantine().add("whatsapp", Some(of), b"one more", "no").await }.boxed()
            })
            .await
            .unwrap();
    }
    let of = |account| format!("SELECT COUNT(*) FROM quarantine WHERE account_id = {account}");
    assert_eq!(raw::numbers(&database, &of(account)).await, [KEPT]);
    assert_eq!(
        raw::numbers(&database, &of(other)).await,
        [1],
        "each account has its own bound"
    );
    let oldest = raw::numbers(&database, "SELECT MIN(id) FROM quarantine").await[0];
    assert!(oldest > before, "the oldest is still there");
    store.close().await;
}

async fn second_account(store: &Store) -> AccountId {
    store
        .write((), |tx, ()| {
            async move { Ok::<_, StoreError>(tx.accounts().create("second").await?.id) }.boxed()
        })
        .await
        .unwrap()
}

/// Stores a text that is not to be sent any more after the next second.
async fn expiring(store: &Store, conversation: &Conversation, key: &str) -> Message {
    let mut text = outbound(conversation, key, "x", BEGIN);
    text.expires_at = Some(BEGIN.plus(Duration::from_secs(1)));
    new(take(store, text).await.unwrap())
}

async fn expiry_ignores_other_accounts_backlog(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let other = second_account(&store).await;
    let ben = desk::conversation(&store, other, "+447700900456").await;
    for n in 0..3 {
        expiring(&store, &ada, &format!("a{n}")).await;
    }
    let late = expiring(&store, &ben, "b").await;
    let now = BEGIN.plus(Duration::from_secs(2));
    assert_eq!(store.messages().expired(other, now, 2).await.unwrap(), [late]);
    store.close().await;
}

async fn told_events_do_not_hide_new_ones(database: Database) {
    let store = database.open().await;
    for name in ["$1", "$2", "$3"] {
        store
            .write(name, |tx, &name| {
                async move {
                    tx.pending_events()
                        .add(&"!room".into(), &name.into(), &"@grace:x".into(), BEGIN)
                        .await?;
                    if name != "$3" {
                        tx.pending_events().mark_told(&name.into()).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
            .unwrap();
    }
    let names = |kept: Vec<PendingEvent>| -> Vec<String> { kept.into_iter().map(|one| one.event.0).collect() };
    assert_eq!(names(store.pending_events().list(false, 0, 2).await.unwrap()), ["$3"]);
    let first = store.pending_events().list(true, 0, 1).await.unwrap();
    let next = store.pending_events().list(true, first[0].id, 2).await.unwrap();
    assert_eq!(
        (names(first), names(next)),
        (vec!["$1".to_owned()], vec!["$2".to_owned()])
    );
    store.close().await;
}

async fn conversation_cycle_ends_walk(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let ends = |one: &Conversation, other: &Conversation| {
        format!(
            "UPDATE conversations SET merged_into = {} WHERE id = {}",
            other.id, one.id
        )
    };
    raw::execute(&database, &ends(&ada, &ben)).await;
    raw::execute(&database, &ends(&ben, &ada)).await;
    let found = timeout(PATIENCE, store.conversations().live(ada.id)).await;
    let found = found.expect("the walk ends");
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
    store.close().await;
}

/// As many pieces of work as no database takes values in one query (65,535 at most).
async fn merge_moves_any_backlog(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let (ada, _) = merges::hear(&store, account, &[merges::phone(1)], "A1").await;
    let (ben, _) = merges::hear(&store, account, &[merges::phone(2)], "B1").await;
    let from = store
        .conversations()
        .of_customer(account, ben.customer.id)
        .await
        .unwrap()
        .unwrap();
    let text = new(take(&store, inbound(&from, "B2", "x", BEGIN)).await.unwrap());
    store
        .write(text, |tx, text| {
            let work = NewWork::for_message(text, MatrixWork::ShowMessage { message: text.id });
            async move { tx.outbox().enqueue(work).await }.boxed()
        })
        .await
        .unwrap();
    for _ in 0..17 {
        let columns = "target, account_id, lane, message_id, work, attempts, not_before, created_at";
        let double = format!("INSERT INTO outbox ({columns}) SELECT {columns} FROM outbox");
        raw::execute(&database, &double).await;
    }
    merges::merge(&store, ada.customer.id, ben.customer.id).await;
    let to = store
        .conversations()
        .of_customer(account, ada.customer.id)
        .await
        .unwrap()
        .unwrap();
    let moved = format!("SELECT COUNT(*) FROM outbox WHERE lane = {}", to.id);
    assert_eq!(raw::numbers(&database, &moved).await, [1 << 17]);
    store.close().await;
}
