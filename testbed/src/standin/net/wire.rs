//! Frames between the page and the service: JSON, one frame a WebSocket message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stanza::{Person, Stanza};
use crate::standin::device::DeviceId;
use crate::standin::messages::body::Body;
use crate::standin::messages::poll::Vote;
use crate::standin::messages::thread::{Quote, Reaction};
use crate::standin::people::jid::Jid;

/// Frame from the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "the large frame is the frequent one, and none is kept"
)]
pub(crate) enum FromPage {
    /// A browser that is not linked asks for codes.
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
    /// The page has stored the credential in its profile.
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
    /// Asks for the person with a username.
    Username {
        n: u64,
        username: String,
    },
    /// Asks for the avatar and the "about" text of a person or a group.
    Profile {
        n: u64,
        jid: Jid,
    },
    /// Asks for a group's data.
    Group {
        n: u64,
        jid: Jid,
    },
    /// Asks for the account's groups.
    Groups {
        n: u64,
    },
    /// Asks the phone for a file that could not be downloaded.
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
    /// In a group: author of the target.
    pub target_author: Option<Jid>,
    /// Chosen options of a poll.
    #[serde(default)]
    pub options: Vec<u32>,
}

/// Kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentKind {
    Text,
    Edit,
    Revoke,
    Reaction,
    Vote,
}

/// Frame to the page.
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
        /// Number of stanzas that wait.
        offline: usize,
        /// Number of chunks of history that the page needs before it comes up.
        history: usize,
    },
    History {
        chunk: HistoryChunk,
    },
    Stanza {
        seq: u64,
        stanza: Stanza,
        /// Position among the stanzas that waited; absent on live ones.
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
    /// The page's main thread blocks for this time.
    Stall {
        ms: u64,
    },
    /// The browser must show a passkey before it is linked.
    Passkey {
        challenge: String,
    },
    /// The account is banned for this time.
    Banned {
        seconds: u64,
    },
}

/// Credential that a browser keeps of its login.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Credential {
    pub device: DeviceId,
    pub secret: String,
    pub number: String,
    pub lid: String,
    pub pushname: String,
}

/// Part of the history for a new device.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryChunk {
    pub n: u64,
    pub chats: Vec<HistoryChat>,
    /// Progress after this chunk, in percent.
    pub progress: u8,
    /// Whether the page comes up without it.
    pub background: bool,
}

/// A group, as pages see it.
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

/// Member of a group.
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
    /// Timer of disappearing messages, in seconds; 0 is off.
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
