//! rule 22: writers share commits, and none pays for another's mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crm::domain::{MessageId, Seq};
use crm::store::{MessageFilter, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::databases::{BEGIN, Database, on_each_database};
use crate::store::desk;
use crate::store::desk::{inbound, take, take_in};

on_each_database! {
    waiting_writers_share_a_commit,
    answered_write_is_visible_to_all,
    failed_write_undoes_only_itself,
    panicking_write_undoes_only_itself,
    failed_statement_undoes_whole_write,
    uncommitted_write_is_gone_after_crash,
    write_begun_before_close_is_committed,
}

async fn waiting_writers_share_a_commit(database: Database) {
    const WRITERS: usize = 50;
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    // While the first one holds the writer, the others line up.
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held = {
        let (entered, gate) = (entered.clone(), gate.clone());
        store.write((entered, gate), |_, (entered, gate)| {
            async move {
                entered.add_permits(1);
                gate.acquire().await.unwrap().forget();
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
    };
    let mut commits = store.head();
    let counted = Arc::new(AtomicUsize::new(0));
    let count = async {
        loop {
            commits.changed().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    let writers = join_all((0..WRITERS).map(|i| take(&store, inbound(&ada, &format!("A{i}"), "x", BEGIN))));
    let release = async {
        entered.acquire().await.unwrap().forget();
        gate.add_permits(1);
    };
    tokio::select! {
        (held, written, ()) = async { tokio::join!(held, writers, release) } => {
            held.unwrap();
            for result in written {
                result.unwrap();
            }
        }
        () = count => unreachable!(),
    }
    assert_eq!(store.journal().range().await.unwrap().head, Seq(50));
    let commits = counted.load(Ordering::SeqCst);
    assert!(commits <= 5, "{WRITERS} writers took {commits} commits");
    store.close().await;
}

async fn answered_write_is_visible_to_all(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let other = database.open().await;
    join_all((0..50).map(|i| {
        let (store, other, ada) = (&store, &other, &ada);
        async move {
            let stored = desk::new(take(store, inbound(ada, &format!("A{i}"), "x", BEGIN)).await.unwrap());
            assert_eq!(other.messages().get(stored.id).await.unwrap(), Some(stored));
        }
    }))
    .await;
    store.close().await;
    other.close().await;
}

async fn failed_write_undoes_only_itself(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let results = join_all((0..20).map(|i| {
        let new = inbound(&ada, &format!("A{i}"), "x", BEGIN);
        store.write((i, new), |tx, (i, new)| {
            async move {
                take_in(tx, new).await?;
                if *i % 2 == 0 {
                    Err(StoreError::Missing { what: "luck" })
                } else {
                    Ok(())
                }
            }
            .boxed()
        })
    }))
    .await;
    for (i, result) in results.into_iter().enumerate() {
        assert_eq!(result.is_err(), i % 2 == 0, "{result:?}");
    }
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 10);
    // Invariant 1: nor do events of what was undone remain.
    assert_eq!(store.journal().after(Seq(0), 100).await.unwrap().len(), 10);
    store.close().await;
}

async fn panicking_write_undoes_only_itself(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let (bad, good) = (inbound(&ada, "bad", "x", BEGIN), inbound(&ada, "good", "x", BEGIN));
    let panics = std::panic::AssertUnwindSafe(store.write(bad, |tx, bad| {
        async move {
            take_in(tx, bad).await?;
            assert!(tx.now() != BEGIN, "on purpose");
            Ok::<_, StoreError>(())
        }
        .boxed()
    }))
    .catch_unwind();
    let (panicked, written) = tokio::join!(panics, take(&store, good));
    assert!(panicked.is_err(), "the panic comes out where the closure went in");
    let kept = desk::new(written.unwrap()).id;
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 1);
    assert!(store.messages().get(kept).await.unwrap().is_some());
    store.close().await;
}

async fn failed_statement_undoes_whole_write(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let (good, bad) = (inbound(&ada, "A1", "x", BEGIN), inbound(&ada, "A2", "a\0b", BEGIN));
    let result = store
        .write((good, bad), |tx, (good, bad)| {
            async move {
                take_in(tx, good).await?;
                assert!(take_in(tx, bad).await.is_err());
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await;
    assert!(matches!(result, Err(StoreError::Unstorable(_))), "{result:?}");
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 0);
    store.close().await;
}

async fn uncommitted_write_is_gone_after_crash(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let written = Arc::new(Semaphore::new(0));
    let crashing = {
        let (written, new) = (written.clone(), inbound(&ada, "A1", "x", BEGIN));
        store.write((written, new), |tx, (written, new)| {
            async move {
                take_in(tx, new).await?;
                written.add_permits(1);
                std::future::pending::<()>().await;
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
    };
    let crash = async {
        written.acquire().await.unwrap().forget();
        store.clone().abandon().await;
    };
    let (result, ()) = tokio::join!(crashing, crash);
    assert!(matches!(result, Err(StoreError::Closed)), "{result:?}");
    let store = database.open().await;
    assert_eq!(store.messages().get(MessageId(1)).await.unwrap(), None);
    assert_eq!(store.journal().range().await.unwrap().head, Seq(0));
    desk::new(take(&store, inbound(&ada, "A1", "x", BEGIN)).await.unwrap());
    store.close().await;
}

async fn write_begun_before_close_is_committed(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let slow = {
        let (entered, gate, new) = (entered.clone(), gate.clone(), inbound(&ada, "A1", "x", BEGIN));
        store.write((entered, gate, new), |tx, (entered, gate, new)| {
            async move {
                entered.add_permits(1);
                gate.acquire().await.unwrap().forget();
                take_in(tx, new).await
            }
            .boxed()
        })
    };
    let close = async {
        entered.acquire().await.unwrap().forget();
        gate.add_permits(1);
        store.clone().close().await;
    };
    let (result, ()) = tokio::join!(slow, close);
    desk::new(result.unwrap());
    let late = take(&store, inbound(&ada, "A2", "x", BEGIN)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    let store = database.open().await;
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 1);
    store.close().await;
}
