//! A follower of the journal: it arms its wake-up, queries, then waits, with a slow poll behind it. A wake-up is only a
//! hint, so a lost one costs a second and never an event.
//!
//! A follower that only reports events leaves its cursor to the receiver (for example a WebSocket's client). A follower
//! with effects of its own keeps its cursor in the store, under its name, and moves it in the transaction of the
//! effect; so a crash neither skips an event nor repeats its effect.

use std::time::Duration;

use tokio::sync::watch;

use crate::contract::JournalEvent;
use crate::domain::Seq;

use crate::store::{Store, StoreError, Tx};

/// Events read by one query.
const BATCH: u64 = 500;

/// Number of events by which a follower is so far behind the head that it reads long ago ones, in its turn.
const FAR_BEHIND: i64 = 1_000;

/// Longest time by which a lost wake-up can delay an event.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// Reads the journal from a cursor on, without end.
pub struct Follower {
    store: Store,
    head: watch::Receiver<Seq>,
    cursor: Seq,
}

/// Result of [`Follower::next`].
#[derive(Debug)]
pub enum Next {
    /// Some events, in order.
    Events(Vec<JournalEvent>),
    /// The events after the cursor were pruned; the cursor moves to just before `oldest`.
    Lost { oldest: Seq },
}

impl Follower {
    /// Creates a follower that starts with the event after `cursor`.
    pub fn new(store: &Store, cursor: Seq) -> Self {
        Self {
            store: store.clone(),
            head: store.head(),
            cursor,
        }
    }

    /// Creates a follower that continues after the stored cursor of this name ([`Tx::followed`]). A new name starts at
    /// the journal's head, and that is stored.
    pub async fn named(store: &Store, name: &str) -> Result<Self, StoreError> {
        if let Some(cursor) = store.settings().cursor(&key(name)).await? {
            return Ok(Self::new(store, parse(name, &cursor)?));
        }
        let head = store.journal().range().await?.head;
        let key = key(name);
        let begun = store.write((key, head), |tx, (key, head)| {
            Box::pin(async move {
                // Stored before any effect, so that events before the first effect are not skipped after a crash.
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

    /// Waits for the next events and returns them. Fails when the store is closed.
    pub async fn next(&mut self) -> Result<Next, StoreError> {
        loop {
            let behind = self.head.borrow_and_update().0 - self.cursor.0;
            let turn = if behind > FAR_BEHIND {
                Some(self.store.stream_turn().await?)
            } else {
                None
            };
            let events = self.store.journal().after(self.cursor, BATCH).await?;
            drop(turn);
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
            // A closed watch means that the store is closing; the next query returns that error.
            let _ = tokio::time::timeout(SLOW_POLL, self.head.changed()).await;
        }
    }
}

impl Tx {
    /// Stores that the follower of this name has handled the events up to `seq`. Call it in the transaction of the
    /// effects.
    pub async fn followed(&self, name: &str, seq: Seq) -> Result<(), StoreError> {
        self.settings().set_cursor(&key(name), &seq.0.to_string()).await
    }
}

/// Returns the name of a follower's cursor.
fn key(name: &str) -> String {
    format!("follower.{name}")
}

fn parse(name: &str, cursor: &str) -> Result<Seq, StoreError> {
    let seq = cursor.parse().map(Seq);
    seq.map_err(|error| StoreError::corrupt("cursors", format_args!("of follower {name}: {error}")))
}
