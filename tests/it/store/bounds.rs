//! What is bounded: a look at the oldest work of one account, and at what waits.

use std::time::Duration;

use crm::domain::AccountId;
use crm::domain::conversation::Conversation;
use crm::domain::message::Message;
use crm::store::{PendingEvent, Store};
use futures_util::FutureExt;

use super::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, new, outbound, take, write};

on_each_database! {
    /// rule 4.
    expiry_ignores_other_accounts_backlog,
    /// rule 1.
    told_events_do_not_hide_new_ones,
}

async fn second_account(store: &Store) -> AccountId {
    write(store, |tx| {
        async move { Ok(tx.create_account("second").await?.id) }.boxed()
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
    assert_eq!(store.expired(other, now, 2).await.unwrap(), [late]);
    store.close().await;
}

async fn told_events_do_not_hide_new_ones(database: Database) {
    let store = database.open().await;
    for name in ["$1", "$2", "$3"] {
        write(&store, move |tx| {
            async move {
                tx.add_pending_event(&"!room".into(), &name.into(), &"@grace:x".into(), BEGIN)
                    .await?;
                if name != "$3" {
                    tx.pending_event_told(&name.into()).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .unwrap();
    }
    let names = |kept: Vec<PendingEvent>| -> Vec<String> { kept.into_iter().map(|one| one.event.0).collect() };
    assert_eq!(names(store.pending_events(false, 0, 2).await.unwrap()), ["$3"]);
    let first = store.pending_events(true, 0, 1).await.unwrap();
    let next = store.pending_events(true, first[0].id, 2).await.unwrap();
    assert_eq!(
        (names(first), names(next)),
        (vec!["$1".to_owned()], vec!["$2".to_owned()])
    );
    store.close().await;
}
