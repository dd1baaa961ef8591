//! The frames between the page and the service. JSON, one frame a WebSocket message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::Body;
use super::device::DeviceId;
use super::jid::Jid;
use super::stanza::{Person, Stanza};
use super::thread::{Quote, Reaction};

/// From the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum FromPage {
    /// A browser that is not linked shows itself.
    Pair {
        noise: String,
        identity: String,
        adv_digest: String,
    },
    /// Asks for a code to type on the phone that has `number`.
    PairCode {
        n: u64,
        number: String,
    },
    /// The credential is safe in the profile.
    PairDone {
        n: u64,
    },
    /// A linked device logs in.
    Hello {
        device: DeviceId,
        secret: String,
    },
    Ack {
        seq: u64,
    },
    HistoryAck {
        n: u64,
    },
    Message(Sent),
    Read {
        jid: Jid,
        ids: Vec<String>,
    },
    Chatstate {
        jid: Jid,
        state: String,
    },
    PresenceSubscribe {
        jid: Jid,
    },
    Available {
        available: bool,
    },
    Exists {
        n: u64,
        jid: Jid,
    },
    /// Asks for a person's picture and what they say about themselves.
    Profile {
        n: u64,
        jid: Jid,
    },
    /// A file could not be fetched: asks the phone for it.
    MediaRetry {
        n: u64,
        path: String,
    },
    Logout {
        n: u64,
    },
}

/// A message that the page sends.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sent {
    pub id: String,
    pub to: Jid,
    pub kind: SentKind,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub body: Body,
    pub quote: Option<Quote>,
    pub target: Option<String>,
    #[serde(default)]
    pub target_from_me: bool,
}

/// What kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentKind {
    Text,
    Edit,
    Revoke,
    Reaction,
}

/// To the page.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ToPage {
    Refs {
        refs: Vec<String>,
        first_ms: u64,
        next_ms: u64,
    },
    PairSuccess {
        credential: Credential,
    },
    Welcome {
        /// How many stanzas wait.
        offline: usize,
        /// How many chunks of history wait.
        history: usize,
    },
    History {
        chunk: HistoryChunk,
    },
    Stanza {
        seq: u64,
        stanza: Stanza,
        /// The how-manieth of those that waited; absent on live ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        offline: Option<usize>,
    },
    OfflineEnd,
    Sent {
        id: String,
        t: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<u16>,
    },
    Answer {
        n: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    Conflict,
    LoggedOut {
        reason: String,
    },
    Reload,
    Freeze {
        event: String,
    },
}

/// What a browser keeps of its login.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Credential {
    pub device: DeviceId,
    pub secret: String,
    pub number: String,
    pub lid: String,
    pub pushname: String,
}

/// A part of the history that a new device is given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryChunk {
    pub n: u64,
    pub chats: Vec<HistoryChat>,
    /// Percent, after this chunk.
    pub progress: u8,
}

/// A chat in the history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryChat {
    pub chat: Jid,
    #[serde(flatten)]
    pub person: Person,
    pub unread: u32,
    pub messages: Vec<HistoryMessage>,
}

/// A message in the history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryMessage {
    pub id: String,
    pub from_me: bool,
    pub kind: &'static str,
    pub text: String,
    pub t: i64,
    pub ack: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    #[serde(skip_serializing_if = "Body::is_plain")]
    pub body: Body,
    pub edited: bool,
    pub revoked: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<Jid, Reaction>,
}
