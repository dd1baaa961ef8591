//! State of a room: as the homeserver has it, and as we want it.

use std::collections::{BTreeMap, HashMap};

use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::events::{AnyInitialStateEvent, AnyStateEvent};
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::fault::Fault;

/// One piece of state that a room should have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Event type, such as `m.room.name`.
    pub kind: &'static str,
    /// State key.
    pub key: String,
    /// Content.
    pub content: Value,
    /// Whether any existing content is left alone: somebody may have changed it on purpose.
    pub once: bool,
}

impl Wanted {
    /// Returns state whose content is kept equal to `content`.
    pub fn new(kind: &'static str, key: impl Into<String>, content: Value) -> Self {
        Self {
            kind,
            key: key.into(),
            content,
            once: false,
        }
    }

    /// Returns the same state, set only where the room has none of this type and key.
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// Returns it as an initial event of a new room.
    pub fn initial(&self) -> Result<Raw<AnyInitialStateEvent>, Fault> {
        let event = json!({"type": self.kind, "state_key": self.key, "content": self.content});
        Ok(Raw::from_json(to_raw_value(&event)?))
    }
}

/// State of a room as the homeserver has it.
pub struct RoomState {
    contents: HashMap<(String, String), Value>,
    creator: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    state_key: String,
    sender: String,
    content: Value,
}

impl RoomState {
    /// Collects state events; invalid ones are skipped.
    pub fn of(events: &[Raw<AnyStateEvent>]) -> Self {
        let mut state = Self {
            contents: HashMap::new(),
            creator: None,
        };
        for raw in events {
            let Ok(wire) = serde_json::from_str::<Wire>(raw.json().get()) else {
                continue;
            };
            if wire.kind == "m.room.create" {
                state.creator = Some(wire.sender);
            }
            state.contents.insert((wire.kind, wire.state_key), wire.content);
        }
        state
    }

    /// Returns whether the user created the room.
    pub fn is_created_by(&self, user: &UserId) -> bool {
        self.creator.as_deref() == Some(user.as_str())
    }

    /// Returns whether the user is in the room.
    pub fn has_joined(&self, user: &str) -> bool {
        self.membership(user) == Some("join")
    }

    /// Returns whether the user is in the room or invited.
    pub fn is_member_or_invited(&self, user: &str) -> bool {
        matches!(self.membership(user), Some("join" | "invite"))
    }

    /// Returns whether the user is banned.
    pub fn is_banned(&self, user: &str) -> bool {
        self.membership(user) == Some("ban")
    }

    fn membership(&self, user: &str) -> Option<&str> {
        self.content("m.room.member", user)?["membership"].as_str()
    }

    fn content(&self, kind: &str, key: &str) -> Option<&Value> {
        self.contents.get(&(kind.to_owned(), key.to_owned()))
    }

    /// Returns whether the room has this state.
    pub fn satisfies(&self, wanted: &Wanted) -> bool {
        let Some(content) = self.content(wanted.kind, &wanted.key) else {
            return false;
        };
        // Only our fields are compared: a homeserver may add others (a topic's other forms).
        let holds = |wanted: &Value| {
            let fields = wanted.as_object().into_iter().flatten();
            fields.clone().all(|(field, value)| content.get(field) == Some(value))
        };
        let is_empty = content.as_object().is_none_or(serde_json::Map::is_empty);
        !is_empty && (wanted.once || holds(&wanted.content))
    }
}

/// Returns the content of a link between a Space and a room, in either direction.
pub fn via(server: &str) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([("via", json!([server]))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room_with_topic(content: Value) -> RoomState {
        RoomState {
            contents: HashMap::from([(("m.room.topic".to_owned(), String::new()), content)]),
            creator: None,
        }
    }

    #[test]
    fn state_is_satisfied_unless_it_differs() {
        let topic = Wanted::new("m.room.topic", "", json!({"topic": "x"}));
        assert!(room_with_topic(json!({"topic": "x", "m.topic": {"m.text": []}})).satisfies(&topic));
        assert!(!room_with_topic(json!({"topic": "y"})).satisfies(&topic));
        assert!(!room_with_topic(json!({})).satisfies(&topic));
        assert!(room_with_topic(json!({"topic": "y"})).satisfies(&topic.clone().once()));
        assert!(
            !room_with_topic(json!({})).satisfies(&topic.once()),
            "taken away is not there"
        );
        assert!(!room_with_topic(json!({})).satisfies(&Wanted::new("m.room.name", "", json!({}))));
    }
}
