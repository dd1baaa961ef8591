//! rule 22: a transaction that is lost in mid-air runs again, and what it stores is stored once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crm::domain::{ConversationId, MessageId, Seq};
use crm::store::{MessageFilter, READERS, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use tokio::sync::Barrier;

use super::databases::{BEGIN, Database, Kind, on_each_database};
use super::raw;
use crate::store::desk;
use crate::store::desk::{inbound, take, take_in};

on_each_database! {
    lost_connection_reruns_transaction,
    dropped_connections_are_reopened,
    deadlocked_processes_both_succeed,
    same_message_from_two_processes_stored_once,
}

/// Ends every connection to the database but the one that asks.
async fn drop_connections(database: &Database) {
    let name = database.url.rsplit('/').next().unwrap();
    match database.kind {
        Kind::Sqlite => {}
        Kind::Postgres => {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            raw::execute(database, end).await;
        }
        Kind::MariaDb => {
            let others =
                format!("SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> connection_id()");
            for id in raw::numbers(database, &others).await {
                // One that ended by itself meanwhile is as dead.
                raw::try_execute(database, &format!("KILL {id}")).await;
            }
        }
    }
}

async fn lost_connection_reruns_transaction(database: Database) {
    if database.kind == Kind::Sqlite {
        return;
    }
    let database = Arc::new(database);
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let runs = Arc::new(AtomicU32::new(0));
    let (counted, server, new) = (runs.clone(), database.clone(), inbound(&ada, "A1", "x", BEGIN));
    let stored = store
        .write((counted, server, new), |tx, (runs, server, new)| {
            async move {
                let stored = take_in(tx, new).await?;
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    drop_connections(server).await;
                }
                Ok::<_, StoreError>(stored)
            }
            .boxed()
        })
        .await
        .unwrap();
    desk::new(stored);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 1);
    assert_eq!(store.journal().range().await.unwrap().head, Seq(1));
    store.close().await;
}

async fn dropped_connections_are_reopened(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    // As many at once as there are readers, so that every one of them has a connection which goes.
    let conversations = store.conversations();
    let read = || try_join_all((0..READERS).map(|_| conversations.get(ada.id)));
    read().await.unwrap();
    for i in 0..3 {
        drop_connections(&database).await;
        assert!(read().await.unwrap().iter().all(Option::is_some));
        drop_connections(&database).await;
        take(&store, inbound(&ada, &format!("A{i}"), "x", BEGIN)).await.unwrap();
    }
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 3);
    store.close().await;
}

/// Notes a last message in two conversations, in this order, each once both processes stand at the first.
async fn touch_both(store: &Store, order: [ConversationId; 2], meet: &Arc<Barrier>) {
    let (meet, first_run) = (meet.clone(), Arc::new(AtomicU32::new(0)));
    store
        .write((meet, first_run, order), |tx, (meet, first_run, order)| {
            async move {
                tx.conversations().touch(order[0], MessageId(1), BEGIN).await?;
                if first_run.fetch_add(1, Ordering::SeqCst) == 0 {
                    meet.wait().await;
                }
                tx.conversations().touch(order[1], MessageId(1), BEGIN).await
            }
            .boxed()
        })
        .await
        .unwrap();
}

async fn deadlocked_processes_both_succeed(database: Database) {
    if database.kind == Kind::Sqlite {
        // It has one writer at a time: the second would wait at its beginning.
        return;
    }
    let one = database.open().await;
    let two = database.open().await;
    let ada = desk::ada(&one).await;
    let ben = desk::conversation(&one, ada.account_id, "+447700900456").await;
    let meet = Arc::new(Barrier::new(2));
    tokio::join!(
        touch_both(&one, [ada.id, ben.id], &meet),
        touch_both(&two, [ben.id, ada.id], &meet)
    );
    for id in [ada.id, ben.id] {
        assert_eq!(
            one.conversations().get(id).await.unwrap().unwrap().last_message_id,
            Some(MessageId(1))
        );
    }
    one.close().await;
    two.close().await;
}

async fn same_message_from_two_processes_stored_once(database: Database) {
    let one = database.open().await;
    let two = database.open().await;
    let ada = desk::ada(&one).await;
    for i in 0..20 {
        let new = inbound(&ada, &format!("A{i}"), "x", BEGIN);
        let (first, second) = tokio::join!(take(&one, new.clone()), take(&two, new));
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(one.messages().count(MessageFilter::default()).await.unwrap(), 20);
    assert_eq!(one.journal().range().await.unwrap().head, Seq(20));
    one.close().await;
    two.close().await;
}
