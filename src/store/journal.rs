//! The journal: every event once, in the order of the commits (`RULES` 23).

use crate::domain::event::JournalEvent;
use crate::domain::{Seq, Timestamp};

use super::{Store, StoreError};

/// What the journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRange {
    /// The oldest event that can still be read; the one after `head` when there is none.
    pub oldest: Seq,
    /// The newest event; 0 when there never was one.
    pub head: Seq,
}

impl Store {
    /// At most `limit` events after `after`, in order.
    pub async fn journal(&self, after: Seq, limit: u64) -> Result<Vec<JournalEvent>, StoreError> {
        todo!()
    }

    pub async fn journal_range(&self) -> Result<JournalRange, StoreError> {
        todo!()
    }

    /// Forgets the events up to the last one from before `before`; gives the count.
    pub async fn prune_journal(&self, before: Timestamp) -> Result<u64, StoreError> {
        todo!()
    }
}
