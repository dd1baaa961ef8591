//! The rooms of an answer of `/sync`, told batch by batch. After an outage of days they are thousands, each with a gap to fill
//! page by page: told in one batch they would have to fit one deadline and the memory, and a failure in the last of them would
//! begin everything anew.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Response;
use tokio::time::Instant;

use super::gap;
use super::updates::{self, RoomUpdate};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{RoomBatch, RoomEventKind};
use crate::matrix::wire::{Fault, Position, read_event, receipts, typing};

/// Number of events with which a batch is full.
const FULL: usize = 250;
/// Time after which a batch ends with the room at hand.
const LONG: Duration = Duration::from_secs(20);

/// Rooms that were not told yet.
pub(super) struct Backlog {
    /// Token from which they were asked for.
    since: String,
    /// Number of the batch that was told last. It goes on from the number that was acknowledged first, so that no two batches
    /// of a token have the same mark.
    part: u64,
    /// Token that stands for all of them.
    next: String,
    rooms: VecDeque<RoomUpdate>,
}

impl Backlog {
    pub(super) fn new(acked: Position<'_>, answer: Response) -> Self {
        Self {
            since: acked.token.to_owned(),
            part: acked.part,
            next: answer.next_batch,
            rooms: updates::of(answer.rooms),
        }
    }

    /// Returns whether exactly what it has told is acknowledged. If the last batch was lost, all is asked for again.
    pub(super) fn stands_at(&self, acked: Position<'_>) -> bool {
        (self.since.as_str(), self.part) == (acked.token, acked.part)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Returns what has happened in the next rooms, each whole. Only the last batch has the next mark.
    ///
    /// # Errors
    /// The first room cannot be read now.
    pub(super) async fn next_batch(
        &mut self,
        client: &Client,
        us: &UserId,
        is_moving: bool,
    ) -> Result<RoomBatch, Fault> {
        let start = Instant::now();
        let part = self.part + 1;
        let since = Position {
            token: &self.since,
            part,
        };
        let mut batch = RoomBatch::nothing_until(since.mark(us));
        let mut told = 0;
        while let Some(update) = self.rooms.front() {
            match add_to_batch(client, us, (&self.since, is_moving), update, &mut batch).await {
                Ok(()) => {}
                Err(fault) if told == 0 => {
                    // The others do not wait for one that the homeserver cannot read; the next mark does.
                    self.rooms.rotate_left(1);
                    return Err(fault);
                }
                Err(_) => break,
            }
            self.rooms.pop_front();
            told += 1;
            if batch.events.len() >= FULL || start.elapsed() >= LONG {
                break;
            }
        }
        self.part = part;
        if self.rooms.is_empty() {
            let next = Position {
                token: &self.next,
                part: 0,
            };
            batch.mark = next.mark(us);
        }
        Ok(batch)
    }
}

/// Adds one room's update to the batch, with the events of its gap.
async fn add_to_batch(
    client: &Client,
    us: &UserId,
    (since, is_moving): (&str, bool),
    update: &RoomUpdate,
    batch: &mut RoomBatch,
) -> Result<(), Fault> {
    let room_id = MatrixRoomId(update.room.to_string());
    let mut timeline = Vec::new();
    if let Some(prev_batch) = update.gap.clone() {
        let room = client
            .get_room(&update.room)
            .ok_or_else(|| Fault::busy("a room of this sync is not in the SDK's store yet"))?;
        match gap::fill(&room, prev_batch, since, is_moving).await {
            Ok(filled) => {
                timeline = filled.events;
                if filled.is_truncated {
                    batch.cut.push(room_id.clone());
                }
            }
            // The bot was removed from the room: its later events are not ours to read.
            Err(Fault::Forbidden(why) | Fault::Gone(why)) => {
                tracing::info!(room = %room_id, "the gap in the room's timeline cannot be read: {why}");
            }
            Err(fault) => return Err(fault),
        }
    }
    timeline.extend(updates::decrypt(client, &update.room, &update.timeline).await);
    let mut seen = HashSet::new();
    for raw in &timeline {
        let Some(event) = read_event(&room_id, raw) else {
            continue;
        };
        let is_told = event.sender.as_str() != us || is_end(&event.what);
        if is_told && event.what != RoomEventKind::Other && seen.insert(event.id.clone()) {
            batch.events.push(event);
        }
    }
    let typing = update
        .ephemeral
        .iter()
        .filter_map(|raw| typing(&room_id, raw, |user| user == us));
    batch.typing.extend(typing);
    let receipts = update.ephemeral.iter().flat_map(|raw| receipts(&room_id, raw));
    batch
        .receipts
        .extend(receipts.filter(|receipt| receipt.user.as_str() != us));
    Ok(())
}

/// Returns whether our own event ends what a login is to read in a room: those are told as well.
fn is_end(what: &RoomEventKind) -> bool {
    matches!(what, RoomEventKind::Fence | RoomEventKind::Replaced)
}
