//! The port to Matrix. `matrix` implements it on a real homeserver; the simulation with a fake.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::word::words;
use super::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

words! {
    /// Where the connection to the homeserver stands.
    MatrixState {
        /// No homeserver is configured.
        Off = "off",
        Starting = "starting",
        Ready = "ready",
        /// The homeserver does not answer; tried again with a growing pause.
        Unreachable = "unreachable",
        /// The homeserver refuses our login.
        Refused = "refused",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixStatus {
    pub state: MatrixState,
    /// What is wrong and what to do.
    pub detail: Option<String>,
    pub user: Option<MatrixUserId>,
}

/// How a call to the homeserver failed, and how certain that is.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MatrixError {
    /// The homeserver does not answer, or not now (429: after this long). With the same transaction id a repeat is safe
    /// for a while, so this costs no attempt.
    #[error("the homeserver cannot be reached: {why}")]
    Unreachable { why: String, retry_after: Option<Duration> },
    /// The homeserver has refused it, and will again.
    #[error("the homeserver refused: {0}")]
    Refused(String),
    /// We are no longer in the room, or it is no more: its mapping is to be dropped.
    #[error("the room is gone: {0}")]
    RoomGone(String),
}

/// A transaction id (rule 18): `<instance uuid>.<message id>.<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnId(pub String);

/// A position in the homeserver's stream of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncToken(pub String);

/// A room to be made, exactly once: `alias` is the key (rule 19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSpec {
    /// Local part of the alias, from the conversation's random key, never from a number.
    pub alias: String,
    pub name: String,
    pub topic: String,
    pub invite: Vec<MatrixUserId>,
    /// A direct room with one person, outside the Space (the trouble room).
    pub direct: bool,
}

/// Bytes of the longest text that surely fits one event: 65,536 bytes hold all of it, of which JSON may double the text
/// and encryption adds a third. What is longer goes in parts, each with its own transaction id.
pub const MAX_ROOM_TEXT: usize = 20 * 1024;

/// Something shown in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomContent {
    /// What somebody wrote. `author` speaks through the bot: shown as `Name: ` in the body and as a per-message profile.
    Text {
        author: Option<String>,
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// The program's own word. Never goes to a customer.
    Notice {
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// A tick on an agent's message.
    Reaction { to: MatrixEventId, key: String },
}

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomEvent {
    pub room: MatrixRoomId,
    pub id: MatrixEventId,
    pub sender: MatrixUserId,
    /// When the sender's homeserver says that it was written.
    pub at: Timestamp,
    pub what: RoomEventKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEventKind {
    /// A text (the reply fallback is stripped), and what it replies to.
    Text {
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// Never for a customer.
    Notice,
    /// Something that was meant for the customer but is not built yet, in a word (`edit`, `thread`, `reaction`, `image` …).
    Unsupported(String),
    /// Could not be decrypted (yet).
    Undecryptable,
    /// Somebody's membership changed.
    Member { user: MatrixUserId, membership: Membership },
    /// Nothing for us.
    Other,
}

words! {
    Membership { Join = "join", Invite = "invite", Leave = "leave", Ban = "ban", Knock = "knock" }
}

/// An agent has read up to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadUpTo {
    pub room: MatrixRoomId,
    pub user: MatrixUserId,
    pub event: MatrixEventId,
}

/// What happened since a token, complete: gaps are filled before it is handed over (rule 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncBatch {
    /// To be stored in the same transaction as the events.
    pub next: SyncToken,
    /// In order per room. Our own events are left out, and those that are nothing for us.
    pub events: Vec<RoomEvent>,
    pub receipts: Vec<ReadUpTo>,
    /// Rooms in which more has happened than is read back: their oldest events are missing here. To be told.
    pub cut: Vec<MatrixRoomId>,
}

impl SyncBatch {
    /// Nothing has happened up to `next`.
    pub fn nothing_until(next: SyncToken) -> Self {
        Self {
            next,
            events: Vec::new(),
            receipts: Vec::new(),
            cut: Vec::new(),
        }
    }
}

/// Our account on a homeserver. Every call ends within a deadline of the adapter's own.
#[async_trait]
pub trait Matrix: Send + Sync + 'static {
    fn status(&self) -> watch::Receiver<MatrixStatus>;

    /// What happened since `since`, waiting up to half a minute for something. With no token: nothing but the token of
    /// now (rule 17: nothing older than now is sent to a customer). The same token again gives the same events again,
    /// and whatever has come since. One call at a time, and always one under way: [`Self::send`] relies on it to know
    /// who may read.
    async fn sync(&self, since: Option<&SyncToken>) -> Result<SyncBatch, MatrixError>;

    /// One event again, decrypted if its key has come by now.
    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError>;

    /// The room of this alias, made if there is none; adopted only when we created it (rule 19).
    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError>;

    /// Sets name and topic where they differ, and invites those who are missing.
    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError>;

    /// Sends under a transaction id: the same id again gives the same event. Until the first [`Self::sync`] of this run
    /// has come back there is no sending.
    async fn send(&self, room: &MatrixRoomId, txn: &TxnId, content: &RoomContent)
    -> Result<MatrixEventId, MatrixError>;

    /// Looks through the room's newest events for one of ours with this transaction id in its content (rule 18).
    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError>;

    /// Takes an event of ours back.
    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError>;

    /// Moves our read receipt to `id`: the customer has read it (rule 20).
    async fn mark_read(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError>;

    /// Ends the connection in order.
    async fn close(&self);
}
