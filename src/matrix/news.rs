//! What one answer of `/sync` says of each room.

use matrix_sdk::ruma::api::client::sync::sync_events::v3::Rooms;
use matrix_sdk::ruma::events::{AnySyncEphemeralRoomEvent, AnySyncTimelineEvent};
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use matrix_sdk::{Client, Room};
use serde_json::Value;

use crate::domain::matrix::ReadUpTo;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

/// What one room has for us.
pub(super) struct News {
    pub(super) room: OwnedRoomId,
    /// Where the timeline begins, when something before it was left out.
    pub(super) gap: Option<String>,
    /// Decrypted as far as could be.
    pub(super) timeline: Vec<Raw<AnySyncTimelineEvent>>,
    pub(super) ephemeral: Vec<Raw<AnySyncEphemeralRoomEvent>>,
}

/// Room by room, decrypted as far as the SDK has the keys.
pub(super) async fn of(client: &Client, rooms: Rooms) -> Vec<News> {
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
        news.push(News {
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

/// Who has read up to where, of one `m.receipt`. Receipts of a thread are not of the conversation.
pub(super) fn receipts<T>(room: &MatrixRoomId, raw: &Raw<T>) -> Vec<ReadUpTo> {
    let Ok(event) = serde_json::from_str::<Value>(raw.json().get()) else {
        return Vec::new();
    };
    let Some(events) = event["content"].as_object().filter(|_| event["type"] == "m.receipt") else {
        return Vec::new();
    };
    let mut receipts = Vec::new();
    for (event, kinds) in events {
        let readers = kinds["m.read"].as_object().into_iter().flatten();
        let whole = readers.filter(|(_, receipt)| matches!(receipt["thread_id"].as_str(), None | Some("main")));
        receipts.extend(whole.map(|(user, _)| ReadUpTo {
            room: room.clone(),
            user: MatrixUserId::from(user.as_str()),
            event: MatrixEventId::from(event.as_str()),
        }));
    }
    receipts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn receipts_of_the_conversation_count_and_those_of_threads_do_not() {
        let raw = Raw::new(&json!({"type": "m.receipt", "content": {
            "$1": {"m.read": {"@a:b": {"ts": 1}, "@c:d": {"ts": 1, "thread_id": "main"}, "@e:f": {"thread_id": "$t"}}},
            "$2": {"m.read.private": {"@g:h": {"ts": 2}}},
        }}))
        .unwrap();
        let readers: Vec<String> = receipts(&"!r".into(), &raw)
            .into_iter()
            .map(|read| format!("{} {}", read.user, read.event))
            .collect();
        assert_eq!(readers, ["@a:b $1", "@c:d $1"]);
        let typing = Raw::new(&json!({"type": "m.typing", "content": {"user_ids": ["@a:b"]}})).unwrap();
        assert_eq!(receipts(&"!r".into(), &typing), []);
    }
}
