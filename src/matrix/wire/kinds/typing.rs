//! Reads and writes who types in a room.

use matrix_sdk::ruma::serde::Raw;
use serde_json::Value;

use crate::domain::matrix::RoomTyping;
use crate::domain::{MatrixRoomId, MatrixUserId};

/// Most users that are read of one event.
const MAX_USERS: usize = 100;

/// Reads who types from an `m.typing`; `is_ours` says which users are our own, who are left out.
pub fn typing<T>(room: &MatrixRoomId, raw: &Raw<T>, is_ours: impl Fn(&str) -> bool) -> Option<RoomTyping> {
    let event: Value = serde_json::from_str(raw.json().get()).ok()?;
    let users = event["content"]["user_ids"].as_array();
    let users = users.filter(|_| event["type"] == "m.typing")?;
    let users = users.iter().filter_map(Value::as_str).take(MAX_USERS);
    Some(RoomTyping {
        room: room.clone(),
        users: users.filter(|user| !is_ours(user)).map(MatrixUserId::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typing_names_all_users_but_ours() {
        let read = |event: Value| typing(&"!r".into(), &Raw::new(&event).unwrap(), |user| user == "@us:h");
        let all = read(json!({"type": "m.typing", "content": {"user_ids": ["@a:h", 7, "@us:h"]}})).unwrap();
        assert_eq!(all.users, ["@a:h".into()]);
        let many = json!({"type": "m.typing", "content": {"user_ids": vec!["@a:h"; 10_000]}});
        assert_eq!(read(many).unwrap().users.len(), MAX_USERS);
        for other in [
            json!({"type": "m.receipt", "content": {"user_ids": []}}),
            json!({"type": "m.typing", "content": {}}),
            json!({"type": "m.typing"}),
            json!(7),
        ] {
            assert_eq!(read(other), None);
        }
    }
}
