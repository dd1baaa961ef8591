//! A room's state: what it should be, what it is, and the difference made good.

use std::collections::{BTreeMap, HashMap};

use matrix_sdk::Client;
use matrix_sdk::ruma::api::client::state::{get_state_events, send_state_event};
use matrix_sdk::ruma::events::{AnyInitialStateEvent, StateEventType};
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::fault::Fault;

/// State that a room should have.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) kind: &'static str,
    pub(super) key: String,
    pub(super) content: Value,
    /// Any content at all will do: what is there may have been set otherwise for good.
    pub(super) once: bool,
}

impl Wanted {
    pub(super) fn new(kind: &'static str, key: impl Into<String>, content: Value) -> Self {
        Self {
            kind,
            key: key.into(),
            content,
            once: false,
        }
    }

    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// As the event that a new room begins with.
    pub(super) fn initial(&self) -> Result<Raw<AnyInitialStateEvent>, Fault> {
        let event = json!({"type": self.kind, "state_key": self.key, "content": self.content});
        Ok(Raw::from_json(to_raw_value(&event)?))
    }
}

/// A room's state as the homeserver has it.
pub(super) struct Found {
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
    /// # Errors
    /// `Forbidden` or `Missing` for a room that we are not in, or that was never finished.
    pub(super) async fn read(client: &Client, room: &RoomId) -> Result<Self, Fault> {
        let request = get_state_events::v3::Request::new(room.to_owned());
        let events = client.send(request).await?.room_state;
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
        Ok(found)
    }

    pub(super) fn is_created_by(&self, user: &UserId) -> bool {
        self.creator.as_deref() == Some(user.as_str())
    }

    /// Whether the user is in the room.
    pub(super) fn has_joined(&self, user: &str) -> bool {
        self.membership(user) == Some("join")
    }

    /// Whether the user is in the room or asked to come.
    pub(super) fn is_expected(&self, user: &str) -> bool {
        matches!(self.membership(user), Some("join" | "invite"))
    }

    /// Whether the user was put out for good.
    pub(super) fn is_banned(&self, user: &str) -> bool {
        self.membership(user) == Some("ban")
    }

    fn membership(&self, user: &str) -> Option<&str> {
        self.content("m.room.member", user)?["membership"].as_str()
    }

    fn content(&self, kind: &str, key: &str) -> Option<&Value> {
        self.contents.get(&(kind.to_owned(), key.to_owned()))
    }

    fn meets(&self, wanted: &Wanted) -> bool {
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

/// Sets what differs from what is wanted; what is so already costs nothing.
pub(super) async fn make_good(client: &Client, room: &RoomId, found: &Found, wanted: &[Wanted]) -> Result<(), Fault> {
    for wanted in wanted.iter().filter(|wanted| !found.meets(wanted)) {
        set(client, room.to_owned(), wanted).await?;
    }
    Ok(())
}

pub(super) async fn set(client: &Client, room: OwnedRoomId, wanted: &Wanted) -> Result<(), Fault> {
    let content = Raw::from_json(to_raw_value(&wanted.content)?);
    let kind = StateEventType::from(wanted.kind);
    let request = send_state_event::v3::Request::new_raw(room, kind, wanted.key.clone(), content);
    client.send(request).await?;
    Ok(())
}

/// A link between a Space and a room, in either direction.
pub(super) fn via(server: &str) -> BTreeMap<&'static str, Value> {
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
