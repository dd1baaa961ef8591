//! Events of rooms that could not be decrypted yet (`RULES` 1): kept, told, and tried again.

use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

use super::{Store, StoreError, Tx};

/// An event whose key has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    pub room: MatrixRoomId,
    pub event: MatrixEventId,
    pub sender: MatrixUserId,
    /// When its homeserver says that it was written.
    pub at: Timestamp,
    pub first_seen: Timestamp,
    /// Whether the room was told.
    pub told: bool,
}

impl Store {
    /// All of them, the first seen first, at most `limit`.
    pub async fn pending_events(&self, limit: u64) -> Result<Vec<PendingEvent>, StoreError> {
        todo!()
    }
}

impl Tx {
    /// Keeps an event; tells whether it is new.
    pub async fn add_pending_event(
        &mut self,
        room: &MatrixRoomId,
        event: &MatrixEventId,
        sender: &MatrixUserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn pending_event_told(&mut self, event: &MatrixEventId) -> Result<(), StoreError> {
        todo!()
    }

    /// Forgets an event; tells whether it was there.
    pub async fn remove_pending_event(&mut self, event: &MatrixEventId) -> Result<bool, StoreError> {
        todo!()
    }
}
