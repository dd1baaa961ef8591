//! Sync: the events since a token. The request bypasses the SDK, so that the same token can be used again if our
//! transaction was lost (the SDK skips events that it has seen once). Events are decrypted with the keys that the SDK
//! has by then (rule 17, invariant 4).

use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::{Request, Response};
use matrix_sdk::ruma::presence::PresenceState;

use super::backlog::Backlog;
use super::login::REQUEST_TIMEOUT;
use super::sdk_sync::{self, LastSdkSync, SdkSync};
use crate::domain::matrix::{RoomBatch, RoomMark};
use crate::matrix::wire::{Fault, Position, filter, position};

/// Long-poll time of a `/sync`.
const POLL: Duration = Duration::from_secs(30);
/// Deadline of a batch, including the gaps that it fills.
pub(super) const SYNC_TIMEOUT: Duration = Duration::from_mins(15);
/// Maximum number of a room's events in one answer; more make a gap.
const TIMELINE: u32 = 50;

/// Where the sync stands in this run.
#[derive(Default)]
pub(super) struct Standing {
    /// The SDK's last sync.
    last: LastSdkSync,
    /// Rooms that the homeserver has answered with, and of which nothing was told yet.
    backlog: Option<Backlog>,
}

/// Returns what has happened since `acked`. Without it, or with another user's mark, returns the current position and no
/// events. `is_moving`: whether rooms move to us, so that our own fences in them count.
///
/// After a long outage it is told in several batches, each bounded in time and size. Their marks have the token from which
/// all of them were asked for; that of the last alone has the next token.
pub(super) async fn sync(
    client: &Client,
    (acked, is_moving): (Option<&RoomMark>, bool),
    sdk: &SdkSync,
    standing: &mut Standing,
) -> Result<RoomBatch, Fault> {
    let us = client
        .user_id()
        .ok_or_else(|| Fault::LoggedOut("the bot is not logged in".to_owned()))?;
    // Put back only with its batch: a call that was cut off has told nobody what it took.
    let backlog = standing.backlog.take();
    let Some(acked) = acked.and_then(|acked| position(us, acked)) else {
        let token = sdk.initial(client).await?;
        let here = Position { token: &token, part: 0 };
        return Ok(RoomBatch::nothing_until(here.mark(us)));
    };
    let mut backlog = match backlog.filter(|backlog| backlog.stands_at(acked)) {
        Some(backlog) => {
            // Keys, device lists and members do not wait for the last of the rooms.
            sdk.keep_up(client, &mut standing.last).await?;
            backlog
        }
        None => read(client, acked, sdk, &mut standing.last).await?,
    };
    let batch = backlog.next_batch(client, us, is_moving).await;
    standing.backlog = Some(backlog).filter(|backlog| batch.is_err() || !backlog.is_empty());
    batch
}

/// Requests what has happened since a token, and lets the SDK know it.
async fn read(client: &Client, acked: Position<'_>, sdk: &SdkSync, last: &mut LastSdkSync) -> Result<Backlog, Fault> {
    let since = acked.token;
    // The store is younger than the token (it was reset): it must know the rooms before any event can be decrypted.
    if last.is_none() && sdk_sync::is_new(client).await? {
        sdk.initial(client).await?;
    }
    let answer = request(client, since, last.is_some())
        .await
        .inspect_err(|_| *last = None)?;
    // Before the events are decrypted: their keys may be in this very answer.
    sdk.catch_up(client, since, &answer, last).await?;
    Ok(Backlog::new(acked, answer))
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
