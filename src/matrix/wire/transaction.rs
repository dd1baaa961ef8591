//! A transaction that the homeserver pushes to an application service. Reading it never fails: a homeserver repeats a
//! refused transaction for ever, and everything behind it waits. What cannot be read is left out and counted.

use std::fmt::Write as _;

use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::event;
use super::kinds::typing::typing;
use super::receipt::receipts;
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{ReadUpTo, RoomEvent, RoomTyping};

/// Bytes of the digest that tells a repeated transaction from another one with the same id.
const DIGEST_BYTES: usize = 8;

/// Content of a push of the homeserver.
#[derive(Debug, Default)]
pub struct Transaction {
    /// Events of rooms, in the homeserver's order.
    pub events: Vec<RoomEvent>,
    /// Read receipts.
    pub receipts: Vec<ReadUpTo>,
    /// Person who types.
    pub typing: Vec<RoomTyping>,
    /// Number of events that cannot be read.
    pub unreadable: usize,
    /// Digest of the events' ids. A repetition has the same one, although its bytes differ (the events' age).
    pub digest: String,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    /// Receipts and typing, since Matrix 1.13.
    #[serde(borrow, default)]
    ephemeral: Vec<&'a RawValue>,
    /// The same under its first name (MSC2409). A homeserver may send both.
    #[serde(borrow, default, rename = "de.sorunome.msc2409.ephemeral")]
    early_ephemeral: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Place {
    room_id: String,
}

#[derive(Deserialize)]
struct Named {
    event_id: String,
}

impl Transaction {
    /// Reads a transaction's body.
    pub fn read(body: &[u8]) -> Self {
        let mut transaction = Self::default();
        let mut hash = Sha256::new();
        match serde_json::from_slice::<Wire<'_>>(body) {
            Ok(wire) => {
                for raw in &wire.events {
                    transaction.add(raw, &mut hash);
                }
                let ephemeral = if wire.ephemeral.is_empty() {
                    &wire.early_ephemeral
                } else {
                    &wire.ephemeral
                };
                transaction.receipts = ephemeral.iter().flat_map(|raw| receipts_of(raw)).collect();
                transaction.typing = ephemeral.iter().filter_map(|raw| typing_of(raw)).collect();
            }
            Err(error) => {
                tracing::warn!("the homeserver pushed a transaction that is none: {error}");
                hash.update(body);
                transaction.unreadable = 1;
            }
        }
        for byte in hash.finalize().iter().take(DIGEST_BYTES) {
            let _ = write!(transaction.digest, "{byte:02x}");
        }
        transaction
    }

    fn add(&mut self, raw: &RawValue, hash: &mut Sha256) {
        let id = serde_json::from_str::<Named>(raw.get()).map(|named| named.event_id);
        hash.update(id.as_deref().unwrap_or("?"));
        hash.update([0]);
        let room = serde_json::from_str::<Place>(raw.get());
        let read = room
            .ok()
            .and_then(|place| event::read(&MatrixRoomId(place.room_id), &Raw::<()>::from_json(raw.to_owned())));
        if let Some(event) = read {
            self.events.push(event);
        } else {
            let id = id.unwrap_or_else(|_| "without an id".to_owned());
            tracing::warn!(
                event = id,
                bytes = raw.get().len(),
                "skipped an event that cannot be read"
            );
            self.unreadable += 1;
        }
    }
}

fn receipts_of(raw: &RawValue) -> Vec<ReadUpTo> {
    let Ok(place) = serde_json::from_str::<Place>(raw.get()) else {
        return Vec::new();
    };
    receipts(&MatrixRoomId(place.room_id), &Raw::<()>::from_json(raw.to_owned()))
}

fn typing_of(raw: &RawValue) -> Option<RoomTyping> {
    let place = serde_json::from_str::<Place>(raw.get()).ok()?;
    // Who is one of us is known only to the adapter.
    typing(
        &MatrixRoomId(place.room_id),
        &Raw::<()>::from_json(raw.to_owned()),
        |_| false,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matrix::RoomEventKind;

    const GOOD: &str = r#"{"type":"m.room.message","event_id":"$1","room_id":"!r:h","sender":"@a:h","origin_server_ts":1,"content":{"msgtype":"m.text","body":"hi"},"unsigned":{"age":5}}"#;

    #[test]
    fn unreadable_event_leaves_the_good_ones() {
        let receipt = r#"{"type":"m.receipt","room_id":"!r:h","content":{"$1":{"m.read":{"@a:h":{"ts":1}}}}}"#;
        let bad = [
            "7",
            "{}",
            r#"{"event_id":"$2","sender":5}"#,
            r#"{"event_id":"$3","sender":"@a:h","type":"m.room.message"}"#,
            r#"{"type":"m.room.message","event_id":"$4","room_id":"!r:h","sender":"@a:h","content":{"body":"\ud800"}}"#,
        ];
        let body = format!(
            r#"{{"events":[{},{GOOD}],"ephemeral":[{receipt},3],"other":[1]}}"#,
            bad.join(",")
        );
        let read = Transaction::read(body.as_bytes());
        assert_eq!(read.unreadable, bad.len());
        assert_eq!(read.events.len(), 1);
        assert_eq!(read.events[0].id.as_str(), "$1");
        assert!(matches!(read.events[0].what, RoomEventKind::Text { .. }));
        assert_eq!(read.receipts.len(), 1);
        for none in ["", "[]", "null", r#"{"events":{}}"#, "\u{0}"] {
            let read = Transaction::read(none.as_bytes());
            assert_eq!((read.events.len(), read.unreadable), (0, 1), "{none:?}");
        }
    }

    #[test]
    fn repetition_has_same_digest_other_events_another() {
        let digest = |events: &str| Transaction::read(format!(r#"{{"events":[{events}]}}"#).as_bytes()).digest;
        let again = GOOD.replace(r#""age":5"#, r#""age":99999"#);
        assert_eq!(digest(GOOD), digest(&again));
        assert_ne!(digest(GOOD), digest(&GOOD.replace("$1", "$2")));
        assert_ne!(digest(GOOD), digest(""));
    }
}
