//! The room updates of one answer of `/sync`.

use std::collections::{HashSet, VecDeque};

use matrix_sdk::ruma::api::client::sync::sync_events::v3::Rooms;
use matrix_sdk::ruma::events::{AnySyncEphemeralRoomEvent, AnySyncTimelineEvent};
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use matrix_sdk::{Client, Room};

use super::keys;

/// The update of one room.
pub(super) struct RoomUpdate {
    /// The room.
    pub(super) room: OwnedRoomId,
    /// Token of the timeline's beginning, if events before it were left out.
    pub(super) gap: Option<String>,
    /// Events, as they came.
    pub(super) timeline: Vec<Raw<AnySyncTimelineEvent>>,
    /// Receipts.
    pub(super) ephemeral: Vec<Raw<AnySyncEphemeralRoomEvent>>,
}

/// Collects the updates of all rooms.
pub(super) fn of(rooms: Rooms) -> VecDeque<RoomUpdate> {
    let joined = rooms
        .join
        .into_iter()
        .map(|(room, update)| (room, update.timeline, update.ephemeral.events));
    let left = rooms
        .leave
        .into_iter()
        .map(|(room, update)| (room, update.timeline, Vec::new()));
    let updates = joined.chain(left).map(|(room, timeline, ephemeral)| RoomUpdate {
        gap: timeline.prev_batch.filter(|_| timeline.limited),
        timeline: timeline.events,
        room,
        ephemeral,
    });
    updates.collect()
}

/// Decrypts events where the SDK has the keys.
pub(super) async fn decrypt(
    client: &Client,
    room: &RoomId,
    events: &[Raw<AnySyncTimelineEvent>],
) -> Vec<Raw<AnySyncTimelineEvent>> {
    let Some(room) = client.get_room(room) else {
        return events.to_vec();
    };
    let mut decrypted = Vec::with_capacity(events.len());
    let mut absent = HashSet::new();
    for event in events {
        decrypted.push(decrypt_one(&room, event.clone(), &mut absent).await);
    }
    decrypted
}

/// Decrypts an event. `absent`: keys that were looked for in the backup, so that each is looked for once.
async fn decrypt_one(
    room: &Room,
    event: Raw<AnySyncTimelineEvent>,
    absent: &mut HashSet<String>,
) -> Raw<AnySyncTimelineEvent> {
    let field = |name: &str| event.get_field::<String>(name).ok().flatten();
    // Our own events are not needed.
    let is_ours = field("sender").as_deref() == Some(room.own_user_id().as_str());
    if is_ours || field("type").as_deref() != Some("m.room.encrypted") {
        return event;
    }
    let Ok(decrypted) = room.decrypt_event(event.cast_ref_unchecked(), None).await else {
        return event;
    };
    // One that cannot be decrypted comes back as it was.
    let Some(session) = keys::session_of(decrypted.raw()) else {
        return decrypted.into_raw();
    };
    if absent.insert(session.clone())
        && keys::fetch(room, &session).await
        && let Ok(decrypted) = room.decrypt_event(event.cast_ref_unchecked(), None).await
    {
        return decrypted.into_raw();
    }
    // Its type stays `m.room.encrypted`, by which it is classified as undecryptable.
    event
}
