//! Stanzas: what the service sends to a linked device and keeps until it is acknowledged.

use serde::Serialize;
use serde_json::{Map, Value};

use super::wire::GroupInfo;
use crate::standin::messages::body::Body;
use crate::standin::messages::thread::{Message, Quote};
use crate::standin::people::jid::Jid;

/// The other side of a chat, as far as the account may know them.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// One event for a device. `t` is in seconds since 1970.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Stanza {
    Message {
        chat: Jid,
        id: String,
        from_me: bool,
        /// In a group: who wrote it, whom `person` then is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        author: Option<Jid>,
        t: i64,
        #[serde(flatten)]
        person: Person,
        /// With a notice about a group: what the group is now.
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<Box<GroupInfo>>,
        #[serde(flatten)]
        content: Box<Content>,
    },
    Receipt {
        chat: Jid,
        /// In a group: whom it reached, and the state that it has reached with all of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        participant: Option<Jid>,
        #[serde(skip_serializing_if = "Option::is_none")]
        all: Option<i8>,
        ids: Vec<String>,
        ack: i8,
        t: i64,
    },
    ReadSelf {
        chat: Jid,
    },
    Contact {
        chat: Jid,
        #[serde(flatten)]
        person: Person,
    },
    /// An avatar was changed or removed.
    Picture {
        chat: Jid,
    },
    Chatstate {
        chat: Jid,
        #[serde(skip_serializing_if = "Option::is_none")]
        participant: Option<Jid>,
        state: String,
        t: i64,
    },
    Presence {
        chat: Jid,
        online: bool,
        t: i64,
    },
    Migrate {
        from: Jid,
        to: Jid,
        #[serde(flatten)]
        person: Person,
    },
}

/// Content of a message.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Content {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        quote: Option<Quote>,
        #[serde(skip_serializing_if = "Body::is_plain")]
        body: Body,
    },
    /// It could not be decrypted; the text follows under the same id.
    Ciphertext {},
    Edit {
        target: String,
        text: String,
    },
    Revoke {
        target: String,
        target_from_me: bool,
        /// In a group: who wrote it. An admin may delete what another wrote.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_author: Option<Jid>,
    },
    Reaction {
        target: String,
        target_from_me: bool,
        /// In a group: who wrote it.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_author: Option<Jid>,
        text: String,
    },
    /// A vote in a poll, which replaces the voter's last one.
    Vote {
        target: String,
        target_from_me: bool,
        /// In a group: who made the poll.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_author: Option<Jid>,
        options: Vec<u32>,
        at_ms: i64,
    },
    /// Fields of one of the sender's messages have changed.
    Update {
        target: String,
        fields: Map<String, Value>,
    },
}

impl Content {
    /// Returns the content of a message.
    pub fn of(message: &Message) -> Self {
        if message.ciphertext {
            return Self::Ciphertext {};
        }
        Self::Text {
            text: message.text.clone(),
            quote: message.quote.clone(),
            body: message.body.clone(),
        }
    }
}

impl Stanza {
    /// Returns whether it is kept for a device that is offline; a typing state is not.
    pub fn keeps(&self) -> bool {
        !matches!(self, Self::Chatstate { .. } | Self::Presence { .. })
    }
}
