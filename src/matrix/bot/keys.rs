//! Keys of events that cannot be decrypted, from the key backup.

use matrix_sdk::Room;
use matrix_sdk::ruma::events::AnySyncTimelineEvent;
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;

/// Fields of an encrypted event that name its key.
#[derive(Deserialize)]
struct Encrypted {
    session_id: Option<String>,
}

/// Returns the id of an event's key, if the event is encrypted.
pub(super) fn session_of(event: &Raw<AnySyncTimelineEvent>) -> Option<String> {
    let kind = event.get_field::<String>("type").ok().flatten();
    if kind.as_deref() != Some("m.room.encrypted") {
        return None;
    }
    let content = event.get_field::<Encrypted>("content").ok().flatten();
    content.and_then(|content| content.session_id)
}

/// Fetches a key of a room from the backup. Returns whether it is here now: without a backup, or if the backup does not have
/// it, it is not.
pub(super) async fn fetch(room: &Room, session: &str) -> bool {
    let backups = room.client().encryption().backups();
    match backups.download_room_key(room.room_id(), session).await {
        Ok(is_here) => is_here,
        Err(error) => {
            tracing::debug!(room = %room.room_id(), "a key is not in the backup: {error}");
            false
        }
    }
}
