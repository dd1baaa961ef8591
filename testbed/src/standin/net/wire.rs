//! The frames between the page and the service. JSON, one frame a WebSocket message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stanza::{Person, Stanza};
use crate::standin::device::DeviceId;
use crate::standin::messages::body::Body;
use crate::standin::messages::poll::Vote;
use crate::standin::messages::thread::{Quote, Reaction};
use crate::standin::people::jid::Jid;

/// From the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "the large frame is the frequent one, and none is kept"
)]
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
    /// Asks whom a username means.
    Username {
        n: u64,
        username: String,
    },
    /// Asks for the picture of a person or a group, and what they say about themselves.
    Profile {
        n: u64,
        jid: Jid,
    },
    /// Asks what a group is.
    Group {
        n: u64,
        jid: Jid,
    },
    /// Asks which groups the account is in.
    Groups {
        n: u64,
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
    /// In a group: who wrote the target.
    pub target_author: Option<Jid>,
    /// What is chosen in a poll.
    #[serde(default)]
    pub options: Vec<u32>,
}

/// What kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentKind {
    Text,
    Edit,
    Revoke,
    Reaction,
    Vote,
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
        /// How many chunks of history wait that the page does not come up without.
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
    /// The page's one thread stands still for so long.
    Stall {
        ms: u64,
    },
    /// The browser must show a passkey before it is linked.
    Passkey {
        challenge: String,
    },
    /// The account is banned for so long.
    Banned {
        seconds: u64,
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
    /// Whether the page comes up without it.
    pub background: bool,
}

/// A group, as pages are told of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GroupInfo {
    pub id: Jid,
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub owner: Jid,
    pub creation: i64,
    pub announce: bool,
    pub lid_addressing: bool,
    pub participants: Vec<Participant>,
    pub past: Vec<Jid>,
}

/// Somebody in a group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Participant {
    pub id: Jid,
    pub admin: bool,
    pub super_admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_name: Option<String>,
}

/// A chat in the history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryChat {
    pub chat: Jid,
    #[serde(flatten)]
    pub person: Person,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupInfo>,
    pub unread: u32,
    /// After how many seconds what is written disappears; 0 for never.
    pub timer: u32,
    pub messages: Vec<HistoryMessage>,
}

/// A message in the history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryMessage {
    pub id: String,
    pub from_me: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Jid>,
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub receipts: BTreeMap<Jid, i8>,
    pub edited: bool,
    pub revoked: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<Jid, Reaction>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub votes: BTreeMap<Jid, Vote>,
}
