//! What one answer of `/sync` says of each room.

use matrix_sdk::ruma::api::client::sync::sync_events::v3::Rooms;
use matrix_sdk::ruma::events::{AnySyncEphemeralRoomEvent, AnySyncTimelineEvent};
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use matrix_sdk::{Client, Room};

/// What one room has for us.
pub(super) struct RoomUpdate {
    pub(super) room: OwnedRoomId,
    /// Where the timeline begins, when something before it was left out.
    pub(super) gap: Option<String>,
    /// Decrypted as far as could be.
    pub(super) timeline: Vec<Raw<AnySyncTimelineEvent>>,
    pub(super) ephemeral: Vec<Raw<AnySyncEphemeralRoomEvent>>,
}

/// Room by room, decrypted as far as the SDK has the keys.
pub(super) async fn of(client: &Client, rooms: Rooms) -> Vec<RoomUpdate> {
    let joined = rooms
        .join
        .into_iter()
        .map(|(room, update)| (room, update.timeline, update.ephemeral.events));
    let left = rooms
        .leave
        .into_iter()
        .map(|(room, update)| (room, update.timeline, Vec::new()));
    let mut news = Vec::new();
    for (room, timeline, ephemeral) in joined.chain(left) {
        news.push(RoomUpdate {
            gap: timeline.prev_batch.filter(|_| timeline.limited),
            timeline: decrypt(client, &room, timeline.events).await,
            room,
            ephemeral,
        });
    }
    news
}

async fn decrypt(
    client: &Client,
    room: &RoomId,
    events: Vec<Raw<AnySyncTimelineEvent>>,
) -> Vec<Raw<AnySyncTimelineEvent>> {
    let Some(room) = client.get_room(room) else {
        return events;
    };
    let mut decrypted = Vec::with_capacity(events.len());
    for event in events {
        decrypted.push(decrypt_one(&room, event).await);
    }
    decrypted
}

async fn decrypt_one(room: &Room, event: Raw<AnySyncTimelineEvent>) -> Raw<AnySyncTimelineEvent> {
    let field = |name: &str| event.get_field::<String>(name).ok().flatten();
    // What we wrote ourselves is nothing new to us.
    let is_ours = field("sender").as_deref() == Some(room.own_user_id().as_str());
    if is_ours || field("type").as_deref() != Some("m.room.encrypted") {
        return event;
    }
    match room.decrypt_event(event.cast_ref_unchecked(), None).await {
        Ok(decrypted) => decrypted.into_raw(),
        // It stays what it is, and is known as undecryptable by its type.
        Err(_) => event,
    }
}
