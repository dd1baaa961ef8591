//! What the service sends to a linked device, and keeps until it is acknowledged.

use serde::Serialize;

use super::body::Body;
use super::jid::Jid;
use super::thread::{Message, Quote};

/// Who a chat is with, as far as the account may know.
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
}

/// One thing that happened. `t` is in seconds since 1970.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Stanza {
    Message {
        chat: Jid,
        id: String,
        from_me: bool,
        t: i64,
        #[serde(flatten)]
        person: Person,
        #[serde(flatten)]
        content: Content,
    },
    Receipt {
        chat: Jid,
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
    Chatstate {
        chat: Jid,
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

/// What a message says.
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
    /// Could not be decrypted; the text follows under the same id.
    Ciphertext {},
    Edit {
        target: String,
        text: String,
    },
    Revoke {
        target: String,
    },
    Reaction {
        target: String,
        target_from_me: bool,
        text: String,
    },
}

impl Content {
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
    /// Whether it is worth keeping for a device that is away: who is typing is not.
    pub fn keeps(&self) -> bool {
        !matches!(self, Self::Chatstate { .. } | Self::Presence { .. })
    }
}
