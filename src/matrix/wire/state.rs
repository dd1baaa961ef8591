//! A room's state: what it should be, and what it is.

use std::collections::{BTreeMap, HashMap};

use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::events::{AnyInitialStateEvent, AnyStateEvent};
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::fault::Fault;

/// State that a room should have.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub kind: &'static str,
    pub key: String,
    pub content: Value,
    /// Any content at all will do: what is there may have been set otherwise for good.
    pub once: bool,
}

impl Wanted {
    pub fn new(kind: &'static str, key: impl Into<String>, content: Value) -> Self {
        Self {
            kind,
            key: key.into(),
            content,
            once: false,
        }
    }

    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// As the event that a new room begins with.
    pub fn initial(&self) -> Result<Raw<AnyInitialStateEvent>, Fault> {
        let event = json!({"type": self.kind, "state_key": self.key, "content": self.content});
        Ok(Raw::from_json(to_raw_value(&event)?))
    }
}

/// A room's state as the homeserver has it.
pub struct Found {
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

impl Found {
    /// Collects the events of a room's state; what is none is passed over.
    pub fn of(events: &[Raw<AnyStateEvent>]) -> Self {
        let mut found = Self {
            contents: HashMap::new(),
            creator: None,
        };
        for raw in events {
            let Ok(wire) = serde_json::from_str::<Wire>(raw.json().get()) else {
                continue;
            };
            if wire.kind == "m.room.create" {
                found.creator = Some(wire.sender);
            }
            found.contents.insert((wire.kind, wire.state_key), wire.content);
        }
        found
    }

    pub fn is_created_by(&self, user: &UserId) -> bool {
        self.creator.as_deref() == Some(user.as_str())
    }

    /// Whether the user is in the room.
    pub fn has_joined(&self, user: &str) -> bool {
        self.membership(user) == Some("join")
    }

    /// Whether the user is in the room or asked to come.
    pub fn is_expected(&self, user: &str) -> bool {
        matches!(self.membership(user), Some("join" | "invite"))
    }

    /// Whether the user was put out for good.
    pub fn is_banned(&self, user: &str) -> bool {
        self.membership(user) == Some("ban")
    }

    fn membership(&self, user: &str) -> Option<&str> {
        self.content("m.room.member", user)?["membership"].as_str()
    }

    fn content(&self, kind: &str, key: &str) -> Option<&Value> {
        self.contents.get(&(kind.to_owned(), key.to_owned()))
    }

    /// Whether a room has this state.
    pub fn meets(&self, wanted: &Wanted) -> bool {
        let Some(content) = self.content(wanted.kind, &wanted.key) else {
            return false;
        };
        // A homeserver may add to what it was given (a topic's other forms).
        let holds = |wanted: &Value| {
            let fields = wanted.as_object().into_iter().flatten();
            fields.clone().all(|(field, value)| content.get(field) == Some(value))
        };
        let is_empty = content.as_object().is_none_or(serde_json::Map::is_empty);
        !is_empty && (wanted.once || holds(&wanted.content))
    }
}

/// A link between a Space and a room, in either direction.
pub fn via(server: &str) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([("via", json!([server]))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: Value) -> Found {
        Found {
            contents: HashMap::from([(("m.room.topic".to_owned(), String::new()), content)]),
            creator: None,
        }
    }

    #[test]
    fn state_is_set_again_only_where_it_differs() {
        let topic = Wanted::new("m.room.topic", "", json!({"topic": "x"}));
        assert!(found(json!({"topic": "x", "m.topic": {"m.text": []}})).meets(&topic));
        assert!(!found(json!({"topic": "y"})).meets(&topic));
        assert!(!found(json!({})).meets(&topic));
        assert!(found(json!({"topic": "y"})).meets(&topic.clone().once()));
        assert!(!found(json!({})).meets(&topic.once()), "taken away is not there");
        assert!(!found(json!({})).meets(&Wanted::new("m.room.name", "", json!({}))));
    }
}
