//! Looks in rooms for what the homeserver has not pushed: what it had in memory when it was killed it never pushes (rule 17).
//! Rooms are read one by one, because Synapse refuses a `/sync` of an application service's own user.

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use matrix_sdk::ruma::api::client::membership::joined_rooms;
use matrix_sdk::ruma::api::client::message::get_message_events;
use matrix_sdk::ruma::{RoomId, UInt};

use super::session::Session;
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::{MatrixRoomId, Timestamp};
use crate::matrix::rooms::PAGE;
use crate::matrix::wire::{Fault, read_event};

/// Maximum number of pages read back in one room; older events are given up and the room is reported as cut.
const MAX_PAGES: usize = 50;
/// Events of a room's first page. In nearly all rooms nothing has happened, which one event tells; a long page costs the homeserver
/// as many checks of who may see what.
const FIRST_PAGE: u32 = 10;
/// Rooms that are read at once. They are the homeserver's work beside that for people.
const AT_ONCE: usize = 2;

/// Result of looking through rooms.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Events of others, in order per room.
    pub(super) events: Vec<RoomEvent>,
    /// Rooms in which older events could not be read back.
    pub(super) cut: Vec<MatrixRoomId>,
}

/// Returns the rooms that our own user is in: all of ours.
pub(super) async fn rooms(session: &Session) -> Result<Vec<MatrixRoomId>, Fault> {
    let joined = session.acting().send(joined_rooms::v3::Request::new()).await?;
    let rooms = joined.joined_rooms.iter();
    Ok(rooms.map(|room| MatrixRoomId(room.to_string())).collect())
}

/// Returns what others did in rooms since a time.
pub(super) async fn scan(session: &Session, rooms: &[MatrixRoomId], since: Timestamp) -> Result<Found, Fault> {
    let rooms: Vec<MatrixRoomId> = rooms.to_vec();
    let found = stream::iter(rooms).map(|room| scan_one(session, room, since));
    let found: Vec<Found> = found.buffered(AT_ONCE).try_collect().await?;
    let mut all = Found::default();
    for one in found {
        all.events.extend(one.events);
        all.cut.extend(one.cut);
    }
    Ok(all)
}

async fn scan_one(session: &Session, room: MatrixRoomId, since: Timestamp) -> Result<Found, Fault> {
    match read_back(session, &room, since).await {
        Err(passing @ (Fault::Network(_) | Fault::Busy { .. } | Fault::LoggedOut(_))) => Err(passing),
        Err(fault) => {
            tracing::info!(%room, "a room cannot be looked through: {fault}");
            Ok(Found::default())
        }
        found => found,
    }
}

async fn read_back(session: &Session, room: &MatrixRoomId, since: Timestamp) -> Result<Found, Fault> {
    let id = RoomId::parse(room.as_str())?;
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let (events, end) = page(session, &id, room, from).await?;
        let is_reached = events.iter().any(|event| event.at < since);
        for event in events {
            let is_wanted = match event.what {
                RoomEventKind::Other => false,
                // What stands before our own one in a room is another login's.
                RoomEventKind::Fence => true,
                _ => !session.is_ours(event.sender.as_str()),
            };
            if is_wanted && event.at >= since && seen.insert(event.id.clone()) {
                found.events.push(event);
            }
        }
        from = end;
        if is_reached || from.is_none() {
            found.events.reverse();
            return Ok(found);
        }
    }
    tracing::warn!(%room, pages = MAX_PAGES, "too many events since the homeserver was away: the oldest were skipped; read them in Element and answer there");
    found.events.reverse();
    found.cut.push(room.clone());
    Ok(found)
}

/// Returns a page of a room's history, newest first, and where the next one begins.
async fn page(
    session: &Session,
    id: &RoomId,
    room: &MatrixRoomId,
    from: Option<String>,
) -> Result<(Vec<RoomEvent>, Option<String>), Fault> {
    let limit = if from.is_some() { PAGE } else { FIRST_PAGE };
    let mut request = get_message_events::v3::Request::backward(id.to_owned()).from(from);
    request.limit = UInt::from(limit);
    let page = session.acting().send(request).await?;
    let events = page.chunk.iter().filter_map(|raw| read_event(room, raw));
    Ok((events.collect(), page.end))
}
