//! Read receipts.

use matrix_sdk::ruma::serde::Raw;
use serde_json::Value;

use crate::domain::matrix::ReadUpTo;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

/// Reads the users and their positions from one `m.receipt`. Receipts of a thread are left out.
pub fn receipts<T>(room: &MatrixRoomId, raw: &Raw<T>) -> Vec<ReadUpTo> {
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
    fn thread_and_private_receipts_are_left_out() {
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
