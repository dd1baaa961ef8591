//! Sweeps: looks through the rooms for what the homeserver has not pushed.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::catch_up::{self, Found};
use super::inbox::End;
use super::inner::Inner;
use super::session::Session;
use crate::domain::matrix::{MatrixError, RoomEvent};
use crate::domain::{MatrixRoomId, Timestamp};
use crate::matrix::connection::{CALL_TIMEOUT, ROOM_TIMEOUT};

/// Failures of a step of a sweep at a homeserver that answers, about a second apart, after which it goes on without these rooms.
const MAX_FAILURES: u32 = 30;
/// Rooms that a step of a sweep looks through; between two steps pushes are taken in.
const ROOMS_A_STEP: usize = 20;

/// A sweep that is under way.
pub(super) struct Sweep {
    /// Message at its end.
    end: End,
    /// Rooms that were not looked through yet.
    rest: Vec<MatrixRoomId>,
}

impl Inner {
    /// Returns what others did in the rooms of events that were pushed in a connection, if something before them may be missing.
    pub(super) async fn before(
        &self,
        session: &Session,
        events: &[RoomEvent],
        connection: u64,
    ) -> Result<Vec<RoomEvent>, MatrixError> {
        let mut before = Vec::new();
        let mut seen = HashSet::new();
        for event in events.iter().filter(|event| seen.insert(&event.room)) {
            if let Some(since) = self.inbox.look_back(&event.room, connection).await {
                let scan = catch_up::scan(session, std::slice::from_ref(&event.room), since);
                before.extend(self.connection.within(CALL_TIMEOUT, scan).await?.events);
            }
        }
        Ok(before)
    }

    /// Looks through the next rooms of the sweep of this connection, which it begins if need be.
    pub(super) async fn sweep(
        &self,
        session: &Session,
        since: Option<Timestamp>,
        connection: u64,
    ) -> Result<(), MatrixError> {
        let now = self.clock.now();
        let mut sweep = self.sweep.lock().await;
        let Some(since) = since else {
            let end = End { connection, began: now };
            self.inbox.offer_found(Vec::new(), Found::default(), Some(end));
            return Ok(());
        };
        let begun = sweep.take_if(|sweep| sweep.end.connection == connection);
        let progress = if let Some(progress) = begun {
            sweep.insert(progress)
        } else {
            let rooms = self.connection.within(CALL_TIMEOUT, catch_up::rooms(session)).await?;
            tracing::debug!(rooms = rooms.len(), "looking through all rooms for what was not pushed");
            let end = End { connection, began: now };
            sweep.insert(Sweep { end, rest: rooms })
        };
        let first = progress.rest.len().saturating_sub(ROOMS_A_STEP);
        let scan = catch_up::scan(session, &progress.rest[first..], since);
        let found = match self.connection.within(ROOM_TIMEOUT, scan).await {
            Ok(found) => found,
            Err(error) if self.connection.client().is_err() => return Err(error),
            Err(error) if self.failures.fetch_add(1, Ordering::Relaxed) + 1 < MAX_FAILURES => return Err(error),
            Err(error) => {
                tracing::error!(
                    "rooms could not be looked through for what was not pushed; they are at the next time: {error}"
                );
                Found::default()
            }
        };
        self.failures.store(0, Ordering::Relaxed);
        let rooms = progress.rest.split_off(first);
        let end = progress.rest.is_empty().then_some(progress.end);
        if end.is_some() {
            *sweep = None;
        }
        self.inbox.offer_found(rooms, found, end);
        Ok(())
    }
}
