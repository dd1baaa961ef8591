//! A follower of the journal: it arms its wake-up, asks, then waits, with a slow poll behind it. A wake-up is only a hint, so
//! a lost one costs a second and never an event.

use std::time::Duration;

use tokio::sync::watch;

use crate::contract::JournalEvent;
use crate::domain::Seq;
use crate::store::{Store, StoreError};

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

    /// Waits for what comes next.
    pub async fn next(&mut self) -> Result<Next, StoreError> {
        loop {
            self.head.mark_unchanged();
            let events = self.store.journal(self.cursor, BATCH).await?;
            if let Some(first) = events.first() {
                if first.seq.0 > self.cursor.0 + 1 {
                    let oldest = self.store.journal_range().await?.oldest;
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
