//! What happened since a token. The homeserver is asked past the SDK, so that an answer can be asked for again when our own
//! transaction was lost (the SDK passes over what it has taken in once); what was written is decrypted with the keys that the
//! SDK has by then (rule 17, Invariant 4).

use std::collections::HashSet;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::{Request, Response};
use matrix_sdk::ruma::presence::PresenceState;

use super::gap;
use super::login::REQUEST;
use super::turn::{self, Turn, Turned};
use super::updates::{self, RoomUpdate};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{RoomEventKind, SyncBatch, SyncToken};
use crate::matrix::wire::{Fault, filter, read_event, receipts, unwrap_token, wrap_token};

/// How long the homeserver may wait for something to happen.
const POLL: Duration = Duration::from_secs(30);
/// A whole sync with the gaps that it fills.
pub(super) const SYNC: Duration = Duration::from_mins(15);
/// Events of one room in one answer; what is more is a gap.
const TIMELINE: u32 = 50;

/// Syncs from `since`; without it, or with one of another user's, gives the position of now and nothing else.
pub(super) async fn sync(
    client: &Client,
    since: Option<&SyncToken>,
    turn: &Turn,
    turned: &mut Turned,
) -> Result<SyncBatch, Fault> {
    let us = client
        .user_id()
        .ok_or_else(|| Fault::LoggedOut("we are not logged in".to_owned()))?;
    let Some(since) = since.and_then(|since| unwrap_token(us, since)) else {
        let next = turn.first(client).await?;
        return Ok(SyncBatch::nothing_until(wrap_token(us, &next)));
    };
    // The store is younger than the token (it was reset): it has to learn of the rooms before anything else.
    if turned.is_none() && turn::is_new(client).await? {
        turn.first(client).await?;
    }
    let answer = ask(client, since, turned.is_some())
        .await
        .inspect_err(|_| *turned = None)?;
    turn.after(client, since, &answer, turned).await?;
    let mut batch = SyncBatch::nothing_until(wrap_token(us, &answer.next_batch));
    for update in updates::of(client, answer.rooms).await {
        take(client, us, since, update, &mut batch).await?;
    }
    Ok(batch)
}

/// Waits for news, unless the SDK has been kept waiting for its turn.
async fn ask(client: &Client, since: &str, may_wait: bool) -> Result<Response, Fault> {
    let wait = if may_wait { POLL } else { Duration::ZERO };
    let mut request = Request::new();
    request.since = Some(since.to_owned());
    request.filter = Some(filter(TIMELINE).into());
    request.timeout = Some(wait);
    request.set_presence = PresenceState::Offline;
    let patience = RequestConfig::new().disable_retry().timeout(wait + REQUEST);
    Ok(client.send(request).with_request_config(patience).await?)
}

/// Adds one room's news to the batch, with what its piece of the timeline has left out.
async fn take(
    client: &Client,
    us: &UserId,
    since: &str,
    update: RoomUpdate,
    batch: &mut SyncBatch,
) -> Result<(), Fault> {
    let room_id = MatrixRoomId(update.room.to_string());
    let mut timeline = Vec::new();
    if let Some(prev_batch) = update.gap {
        let room = client
            .get_room(&update.room)
            .ok_or_else(|| Fault::busy("a room of the sync is not in the store"))?;
        match gap::fill(&room, prev_batch, since).await {
            Ok(filled) => {
                timeline = filled.events;
                if filled.is_cut {
                    batch.cut.push(room_id.clone());
                }
            }
            // We have been put out of the room: what was written there since is not for us.
            Err(Fault::Forbidden(why) | Fault::Gone(why)) => {
                tracing::info!(room = %room_id, "no more is to be read: {why}");
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
        if event.sender.as_str() != us && event.what != RoomEventKind::Other && seen.insert(event.id.clone()) {
            batch.events.push(event);
        }
    }
    let receipts = update.ephemeral.iter().flat_map(|raw| receipts(&room_id, raw));
    batch
        .receipts
        .extend(receipts.filter(|receipt| receipt.user.as_str() != us));
    Ok(())
}
