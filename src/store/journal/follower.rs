//! A follower of the journal: it arms its wake-up, asks, then waits, with a slow poll behind it. A wake-up is only a hint, so
//! a lost one costs a second and never an event.
//!
//! A follower that only tells keeps its cursor where it tells it to (a WebSocket's client has it). One that has effects of its own
//! keeps it in the store, under its name, and moves it in the transaction of what it did: so a crash neither leaves an event out
//! nor brings one about twice.

use std::time::Duration;

use tokio::sync::watch;

use crate::contract::JournalEvent;
use crate::domain::Seq;

use crate::store::{Store, StoreError, Tx};

/// Events read at once.
const BATCH: u64 = 500;

/// How long a lost wake-up can hold an event up.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// Reads the journal from a cursor on, for ever.
pub struct Follower {
    store: Store,
    head: watch::Receiver<Seq>,
    cursor: Seq,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// Some events, in order.
    Events(Vec<JournalEvent>),
    /// What came after the cursor is no longer kept; the cursor moves to just before this event.
    Lost { oldest: Seq },
}

impl Follower {
    /// Follows from the event after `cursor` on.
    pub fn new(store: &Store, cursor: Seq) -> Self {
        Self {
            store: store.clone(),
            head: store.head(),
            cursor,
        }
    }

    /// Follows from where the follower of this name has come to ([`Tx::followed`]); one that is new, from now on.
    pub async fn named(store: &Store, name: &str) -> Result<Self, StoreError> {
        if let Some(cursor) = store.settings().cursor(&key(name)).await? {
            return Ok(Self::new(store, parse(name, &cursor)?));
        }
        let head = store.journal().range().await?.head;
        let key = key(name);
        let begun = store.write((key, head), |tx, (key, head)| {
            Box::pin(async move {
                // Written down before anything is done: what comes until then is not left out after a crash.
                if let Some(cursor) = tx.settings().cursor(key).await? {
                    return Ok(cursor);
                }
                let cursor = head.0.to_string();
                tx.settings().set_cursor(key, &cursor).await?;
                Ok::<_, StoreError>(cursor)
            })
        });
        Ok(Self::new(store, parse(name, &begun.await?)?))
    }

    /// Waits for what comes next.
    pub async fn next(&mut self) -> Result<Next, StoreError> {
        loop {
            self.head.mark_unchanged();
            let events = self.store.journal().after(self.cursor, BATCH).await?;
            if let Some(first) = events.first() {
                if first.seq.0 > self.cursor.0 + 1 {
                    let oldest = self.store.journal().range().await?.oldest;
                    if oldest.0 > self.cursor.0 + 1 {
                        self.cursor = Seq(oldest.0 - 1);
                        return Ok(Next::Lost { oldest });
                    }
                }
                self.cursor = events.last().map_or(self.cursor, |last| last.seq);
                return Ok(Next::Events(events));
            }
            // A closed watch means that the store closes: the next question will say so.
            let _ = tokio::time::timeout(SLOW_POLL, self.head.changed()).await;
        }
    }
}

impl Tx {
    /// Notes that the follower of this name is done with the events up to `seq`: to be called in the transaction of what it did
    /// about them.
    pub async fn followed(&self, name: &str, seq: Seq) -> Result<(), StoreError> {
        self.settings().set_cursor(&key(name), &seq.0.to_string()).await
    }
}

/// The name of a follower's cursor.
fn key(name: &str) -> String {
    format!("follower.{name}")
}

fn parse(name: &str, cursor: &str) -> Result<Seq, StoreError> {
    let seq = cursor.parse().map(Seq);
    seq.map_err(|error| StoreError::corrupt("cursors", format_args!("of follower {name}: {error}")))
}
