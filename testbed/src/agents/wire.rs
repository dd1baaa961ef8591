//! Lines exchanged with an agent's process, one JSON object each.
//! To the process: `{"id", "command", "arguments"}`. The commands are `start`, `send`, `timeline` and `trust`;
//! everything that needs no client of its own (joining, receipts, state) goes to the homeserver directly, in `rest`.
//! From the process: a `reply` to each command, and at any time what its client shows. A message is reported again
//! whenever it changes: when it is decrypted or redacted, or when its shield changes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A command to the process.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub id: u64,
    pub command: &'a str,
    pub arguments: Value,
}

/// A line from the process.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Reply(Reply),
    Room(Room),
    Message(Box<Message>),
    Receipt(Receipt),
    Typing(Typing),
    /// Something went wrong that no command asked for.
    Trouble(String),
}

/// Reply to a command: the result, or the error.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    pub id: u64,
    #[serde(default)]
    pub ok: Value,
    pub error: Option<String>,
}

/// Reply to `start`.
#[derive(Debug, Deserialize)]
pub(super) struct Login {
    pub user_id: String,
    pub device_id: String,
    pub access_token: String,
}

/// A room as the client lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Room {
    pub room_id: String,
    /// Name that the client shows: the room's own, else one made of its members.
    pub name: String,
    pub topic: Option<String>,
    pub space: bool,
    pub encrypted: bool,
    /// Our own membership: `join`, `invite`, `leave` or `ban`.
    pub membership: String,
    /// Users who have joined, sorted.
    #[serde(default)]
    pub members: Vec<String>,
    /// Messages that the client counts as unread, if it counts (matrix-js-sdk).
    #[serde(default)]
    pub unread: u64,
}

/// An event of a room's timeline, decrypted if possible.
#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    pub room_id: String,
    pub event_id: String,
    pub sender: String,
    /// Type of the event, such as `m.room.message`; `m.room.encrypted` while it cannot be decrypted.
    pub kind: String,
    pub content: Value,
    pub relates_to: Option<Value>,
    pub transaction_id: Option<String>,
    /// Time by the homeserver, in milliseconds since 1970.
    pub timestamp: i64,
    pub encrypted: bool,
    pub readable: bool,
    pub redacted: bool,
    /// Shield of an encrypted message, if the client has shields (matrix-js-sdk).
    pub shield: Option<Shield>,
}

impl Message {
    /// Returns the text; empty if the event has none.
    pub fn body(&self) -> &str {
        self.content["body"].as_str().unwrap_or_default()
    }

    /// Returns the message type, such as `m.text`; empty if the event has none.
    pub fn msgtype(&self) -> &str {
        self.content["msgtype"].as_str().unwrap_or_default()
    }

    /// Returns the id of the event that this one relates to in this way (`m.annotation`, `m.replace`, `m.thread`).
    pub fn related(&self, how: &str) -> Option<&str> {
        let relation = self.relates_to.as_ref()?;
        (relation["rel_type"] == how).then(|| relation["event_id"].as_str())?
    }

    /// Returns the id of the event that this one replies to.
    pub fn in_reply_to(&self) -> Option<&str> {
        self.relates_to.as_ref()?["m.in_reply_to"]["event_id"].as_str()
    }
}

/// Mark that a client shows on a message whose sender it does not trust.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Shield {
    /// Colour: `none`, `grey` or `red`.
    pub colour: String,
    /// Value of matrix-js-sdk's `EventShieldReason`.
    pub reason: Option<i64>,
}

/// Read receipt of another user.
#[derive(Clone, Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the words of the protocol")]
pub(super) struct Receipt {
    pub room_id: String,
    pub user_id: String,
    pub event_id: String,
}

/// Users who are typing in a room.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Typing {
    pub room_id: String,
    pub users: Vec<String>,
}

/// What a client knows of another user's keys.
#[derive(Clone, Debug, Deserialize)]
pub struct Trust {
    /// Whether the user has published cross-signing keys.
    pub cross_signing: bool,
    pub devices: Vec<Device>,
}

/// A device of another user.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    pub device_id: String,
    /// Whether the user's own cross-signing key has signed it.
    pub signed_by_owner: bool,
}
