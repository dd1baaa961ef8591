//! What happened since a token: the SDK takes in keys and room state, and everything that is news to us is taken from the
//! same answer.
//!
//! The SDK passes over an answer whose position it has taken in before, which is what comes when our own transaction was
//! lost and the same token is asked again. Then the answer is fetched once more, past the SDK, and decrypted with the keys
//! that it has kept (`RULES` 17, Invariant 4).

use std::collections::HashSet;
use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::config::{SyncSettings, SyncToken as SdkToken};
use matrix_sdk::ruma::api::client::filter::{FilterDefinition, LazyLoadOptions};
use matrix_sdk::ruma::api::client::sync::sync_events::v3::{Request, Response};
use matrix_sdk::ruma::presence::PresenceState;
use matrix_sdk::ruma::{UInt, UserId};
use matrix_sdk::store::{StateStoreDataKey, StateStoreDataValue};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::fault::Fault;
use super::news::News;
use super::{event, gap, news, token};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{RoomEventKind, SyncBatch, SyncToken};

/// How long the homeserver may wait for something to happen.
const POLL: Duration = Duration::from_secs(30);
/// The first sync of a new store brings every room; a thousand of them took 17 s.
const FIRST: Duration = Duration::from_mins(10);
/// By so much at most a wait is made longer, at random.
const SPREAD: Duration = Duration::from_secs(1);
/// A whole sync with the gaps that it fills.
pub(super) const SYNC: Duration = Duration::from_mins(15);
/// Events of one room in one answer; what is more is a gap.
const TIMELINE: u32 = 50;
/// How often an answer is asked for again when the homeserver moves on between asking the SDK and asking past it.
const MAX_REPLAYS: usize = 5;

/// Syncs from `since`; without it, or with one of another user's, gives the position of now and nothing else.
pub(super) async fn sync(client: &Client, since: Option<&SyncToken>) -> Result<SyncBatch, Fault> {
    let us = client
        .user_id()
        .ok_or_else(|| Fault::LoggedOut("we are not logged in".to_owned()))?;
    let Some(since) = since.and_then(|since| token::unwrap(us, since)) else {
        let next = first(client).await?;
        return Ok(SyncBatch::nothing_until(token::wrap(us, &next)));
    };
    // The store is younger than the token (it was reset): it has to learn of the rooms before anything else.
    if taken_in(client).await?.is_none() {
        first(client).await?;
    }
    let (next, news) = news_since(client, since).await?;
    let mut batch = SyncBatch::nothing_until(token::wrap(us, &next));
    for news in news {
        take(client, us, since, news, &mut batch).await?;
    }
    Ok(batch)
}

/// The position up to which the SDK has taken in what happened.
async fn taken_in(client: &Client) -> Result<Option<String>, Fault> {
    let known = client.state_store().get_kv_data(StateStoreDataKey::SyncToken).await;
    let known = known.map_err(|error| Fault::busy(error.to_string()))?;
    Ok(known.and_then(StateStoreDataValue::into_sync_token))
}

/// Everything as of now, for the SDK alone.
async fn first(client: &Client) -> Result<String, Fault> {
    let settings = SyncSettings::new()
        .token(SdkToken::NoToken)
        .filter(filter(1).into())
        .timeout(unlike_others(FIRST))
        .set_presence(PresenceState::Offline);
    Ok(client.sync_once(settings).await?.next_batch)
}

async fn news_since(client: &Client, since: &str) -> Result<(String, Vec<News>), Fault> {
    for _ in 0..MAX_REPLAYS {
        let known = taken_in(client).await?;
        let settings = SyncSettings::new()
            .token(since)
            .filter(filter(TIMELINE).into())
            .timeout(unlike_others(POLL))
            .set_presence(PresenceState::Offline);
        let response = client.sync_once(settings).await?;
        let next = response.next_batch;
        if next == since || known.as_deref() != Some(&next) {
            return Ok((next, news::of(response.rooms)));
        }
        let again = past_the_sdk(client, since).await?;
        if again.next_batch == next {
            return Ok((next, news::past_the_sdk(client, again.rooms).await));
        }
        // Something has happened in between, which the SDK has to take in first.
    }
    Err(Fault::busy(
        "the homeserver moves on too fast for a lost sync to be repeated",
    ))
}

async fn past_the_sdk(client: &Client, since: &str) -> Result<Response, Fault> {
    let mut request = Request::new();
    request.since = Some(since.to_owned());
    request.filter = Some(filter(TIMELINE).into());
    request.timeout = Some(unlike_others(Duration::ZERO));
    request.set_presence = PresenceState::Offline;
    Ok(client.send(request).await?)
}

/// A wait that no other request has: Synapse answers the same request within two minutes from its memory
/// (`sync_response_cache_duration`), and what it remembers as "now" may be long past.
fn unlike_others(wait: Duration) -> Duration {
    // Without randomness it is the plain wait, which is right but for that memory.
    let random = SysRng.try_next_u32().unwrap_or(0);
    wait + SPREAD.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Only what we have a use for: no presence, no typing, no notes about rooms.
fn filter(timeline: u32) -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence.not_types = vec!["*".to_owned()];
    filter.room.account_data.not_types = vec!["*".to_owned()];
    filter.room.ephemeral.types = Some(vec!["m.receipt".to_owned()]);
    filter.room.timeline.limit = Some(UInt::from(timeline));
    let lazy = LazyLoadOptions::Enabled {
        include_redundant_members: false,
    };
    filter.room.timeline.lazy_load_options = lazy;
    filter.room.state.lazy_load_options = lazy;
    filter
}

/// Adds one room's news to the batch, with what its piece of the timeline has left out.
async fn take(client: &Client, us: &UserId, since: &str, news: News, batch: &mut SyncBatch) -> Result<(), Fault> {
    let room_id = MatrixRoomId(news.room.to_string());
    let mut timeline = Vec::new();
    if let Some(prev_batch) = news.gap {
        let room = client
            .get_room(&news.room)
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
    timeline.extend(news.timeline);
    let mut seen = HashSet::new();
    for raw in &timeline {
        let Some(event) = event::read(&room_id, raw) else {
            continue;
        };
        if event.sender.as_str() != us && event.what != RoomEventKind::Other && seen.insert(event.id.clone()) {
            batch.events.push(event);
        }
    }
    let receipts = news.ephemeral.iter().flat_map(|raw| news::receipts(&room_id, raw));
    batch
        .receipts
        .extend(receipts.filter(|receipt| receipt.user.as_str() != us));
    Ok(())
}
