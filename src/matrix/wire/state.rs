//! State of a room: as the homeserver has it, and as we want it.

use std::collections::{BTreeMap, HashMap, HashSet};

use matrix_sdk::ruma::events::{AnyInitialStateEvent, AnyStateEvent};
use matrix_sdk::ruma::serde::Raw;
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::fault::Fault;

/// Power level that inviting needs in a customer's room: ours. Else any agent could invite somebody from outside.
pub const INVITE_LEVEL: i64 = 100;

/// Type of the state event that says which login of ours keeps the room from there on.
pub const FENCE: &str = "crm.keeper";

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
    /// Users who left by themselves, or declined an invitation.
    leavers: HashSet<String>,
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
            leavers: HashSet::new(),
        };
        for raw in events {
            let Ok(wire) = serde_json::from_str::<Wire>(raw.json().get()) else {
                continue;
            };
            if wire.kind == "m.room.member" && wire.content["membership"] == "leave" && wire.sender == wire.state_key {
                state.leavers.insert(wire.sender.clone());
            }
            if wire.kind == "m.room.create" {
                state.creator = Some(wire.sender);
            }
            state.contents.insert((wire.kind, wire.state_key), wire.content);
        }
        state
    }

    /// Returns the user who created the room.
    pub fn creator(&self) -> Option<&str> {
        self.creator.as_deref()
    }

    /// Returns whether another room has replaced this one.
    pub fn is_replaced(&self) -> bool {
        let tombstone = self.content("m.room.tombstone", "");
        tombstone.is_some_and(|content| content["replacement_room"].is_string())
    }

    /// Returns whether the room is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.content("m.room.encryption", "").is_some()
    }

    /// Returns the room's power levels in which a user may do all that we do, if that is still to be set. Since version 12
    /// a creator may do everything, and must not be named; a tombstone needs more than the rest there.
    pub fn with_power_of(&self, user: &str) -> Option<Value> {
        let create = self.content("m.room.create", "");
        let version = create.and_then(|create| create["room_version"].as_str()).unwrap_or("1");
        let is_before_12 = version.parse::<u32>().is_ok_and(|version| version < 12);
        let others = create.and_then(|create| create["additional_creators"].as_array());
        let is_creator = self.creator() == Some(user) || others.is_some_and(|all| all.iter().any(|one| one == user));
        if is_creator && !is_before_12 {
            return None;
        }
        let mut levels = self.content("m.room.power_levels", "")?.clone();
        let tombstone = levels["events"]["m.room.tombstone"].as_i64().unwrap_or(0);
        let wanted = tombstone.max(INVITE_LEVEL);
        if levels["users"][user].as_i64().is_some_and(|level| level >= wanted) {
            return None;
        }
        levels["users"][user] = json!(wanted);
        Some(levels)
    }

    /// Returns whether the user is in the room.
    pub fn has_joined(&self, user: &str) -> bool {
        self.membership(user) == Some("join")
    }

    /// Returns whether the user is in the room or invited.
    pub fn is_member_or_invited(&self, user: &str) -> bool {
        matches!(self.membership(user), Some("join" | "invite"))
    }

    /// Returns whether the user has left by themselves, or declined an invitation.
    pub fn has_left(&self, user: &str) -> bool {
        self.leavers.contains(user)
    }

    /// Returns the room's power levels in which nobody but us may write, if that is still to be set.
    pub fn silent(&self) -> Option<Value> {
        let mut levels = self.content("m.room.power_levels", "")?.clone();
        if levels["events_default"]
            .as_i64()
            .is_some_and(|level| level >= INVITE_LEVEL)
        {
            return None;
        }
        levels["events_default"] = json!(INVITE_LEVEL);
        // Levels of single types would let them through.
        if let Some(events) = levels["events"].as_object_mut() {
            events.retain(|_, level| level.as_i64().is_some_and(|level| level >= INVITE_LEVEL));
        }
        Some(levels)
    }

    /// Returns the room's power levels in which nobody but us may invite, if that is still to be set.
    pub fn closed_to_guests(&self) -> Option<Value> {
        let mut levels = self.content("m.room.power_levels", "")?.clone();
        // The default of the specification.
        let invite = levels.get("invite").and_then(Value::as_i64).unwrap_or(0);
        if invite >= INVITE_LEVEL {
            return None;
        }
        levels["invite"] = json!(INVITE_LEVEL);
        Some(levels)
    }

    /// Returns who is in the room or invited, but for those who have the power to invite others.
    pub fn guests(&self) -> impl Iterator<Item = &str> {
        let levels = self.content("m.room.power_levels", "");
        let is_powerless = move |user: &str| {
            let level = levels.and_then(|levels| levels["users"][user].as_i64());
            level.is_none_or(|level| level < INVITE_LEVEL)
        };
        let members = self.contents.keys().filter(|(kind, _)| kind == "m.room.member");
        let users = members.map(|(_, user)| user.as_str());
        users.filter(move |user| self.is_member_or_invited(user) && is_powerless(user))
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
            leavers: HashSet::new(),
        }
    }

    fn state(events: &[Value]) -> RoomState {
        let raw: Vec<_> = events
            .iter()
            .map(|event| Raw::from_json(to_raw_value(event).unwrap()))
            .collect();
        RoomState::of(&raw)
    }

    #[test]
    fn leaver_is_told_from_kicked_member() {
        let member = |sender: &str, membership: &str| json!({"type": "m.room.member", "state_key": "@a:b", "sender": sender, "content": {"membership": membership}});
        assert!(state(&[member("@a:b", "leave")]).has_left("@a:b"));
        assert!(!state(&[member("@bot:b", "leave")]).has_left("@a:b"));
        assert!(!state(&[member("@a:b", "join")]).has_left("@a:b"));
    }

    #[test]
    fn closing_to_guests_keeps_other_levels() {
        let levels = |content: Value| {
            state(&[json!({"type": "m.room.power_levels", "state_key": "", "sender": "@bot:b", "content": content})])
        };
        let closed = levels(json!({"invite": 0, "users": {"@bot:b": 100}})).closed_to_guests();
        assert_eq!(closed, Some(json!({"invite": 100, "users": {"@bot:b": 100}})));
        assert!(levels(json!({})).closed_to_guests().is_some());
        assert_eq!(levels(json!({"invite": 100})).closed_to_guests(), None);
        assert_eq!(state(&[]).closed_to_guests(), None);
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
