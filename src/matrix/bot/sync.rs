//! Sync: the events since a token. The request bypasses the SDK, so that the same token can be used again if our
//! transaction was lost (the SDK skips events that it has seen once). Events are decrypted with the keys that the SDK
//! has by then (rule 17, invariant 4).

use std::collections::HashSet;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::{Request, Response};
use matrix_sdk::ruma::presence::PresenceState;

use super::gap;
use super::login::REQUEST_TIMEOUT;
use super::sdk_sync::{self, LastSdkSync, SdkSync};
use super::updates::{self, RoomUpdate};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{RoomBatch, RoomEventKind, RoomMark};
use crate::matrix::wire::{Fault, filter, read_event, receipts, typing, unwrap_token, wrap_token};

/// Long-poll time of a `/sync`.
const POLL: Duration = Duration::from_secs(30);
/// Deadline of a whole sync, including the gaps that it fills.
pub(super) const SYNC_TIMEOUT: Duration = Duration::from_mins(15);
/// Maximum number of a room's events in one answer; more make a gap.
const TIMELINE: u32 = 50;

/// Syncs from `since`. Without it, or with another user's token, returns the current position and no events. `is_moving`:
/// whether rooms move to us, so that our own fences in them count.
pub(super) async fn sync(
    client: &Client,
    (since, is_moving): (Option<&RoomMark>, bool),
    sdk: &SdkSync,
    last: &mut LastSdkSync,
) -> Result<RoomBatch, Fault> {
    let us = client
        .user_id()
        .ok_or_else(|| Fault::LoggedOut("the bot is not logged in".to_owned()))?;
    let Some(since) = since.and_then(|since| unwrap_token(us, since)) else {
        let next = sdk.initial(client).await?;
        return Ok(RoomBatch::nothing_until(wrap_token(us, &next)));
    };
    // The store is younger than the token (it was reset): it must know the rooms before any event can be decrypted.
    if last.is_none() && sdk_sync::is_new(client).await? {
        sdk.initial(client).await?;
    }
    let answer = request(client, since, last.is_some())
        .await
        .inspect_err(|_| *last = None)?;
    // Before the events are decrypted: their keys may be in this very answer.
    sdk.catch_up(client, since, &answer, last).await?;
    let mut batch = RoomBatch::nothing_until(wrap_token(us, &answer.next_batch));
    for update in updates::of(client, answer.rooms).await {
        add_to_batch(client, us, (since, is_moving), update, &mut batch).await?;
    }
    Ok(batch)
}

/// Requests the events since `since`; waits for some if `may_wait`, which is false while the SDK's own sync is overdue.
async fn request(client: &Client, since: &str, may_wait: bool) -> Result<Response, Fault> {
    let wait = if may_wait { POLL } else { Duration::ZERO };
    let mut request = Request::new();
    request.since = Some(since.to_owned());
    request.filter = Some(filter(TIMELINE).into());
    request.timeout = Some(wait);
    request.set_presence = PresenceState::Offline;
    let config = RequestConfig::new().disable_retry().timeout(wait + REQUEST_TIMEOUT);
    Ok(client.send(request).with_request_config(config).await?)
}

/// Adds one room's update to the batch, with the events of its gap.
async fn add_to_batch(
    client: &Client,
    us: &UserId,
    (since, is_moving): (&str, bool),
    update: RoomUpdate,
    batch: &mut RoomBatch,
) -> Result<(), Fault> {
    let room_id = MatrixRoomId(update.room.to_string());
    let mut timeline = Vec::new();
    if let Some(prev_batch) = update.gap {
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
    timeline.extend(update.timeline);
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
