//! The port to Matrix. `matrix` implements it on a real homeserver; the simulation with a fake.
//!
//! Shaped for two kinds of adapter: a bot, which asks the homeserver for what happened and says everything itself, and an
//! application service, which the homeserver pushes to and which speaks as a user of each customer's own.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::message::Origin;
use super::word::words;
use super::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

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

/// How far the rooms' events were taken in, in the adapter's own words: of a bot the token of its last sync, of an
/// application service the id of the last transaction that it was pushed. Stored, and compared for equality, by everybody
/// else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomMark(pub String);

/// In whose name something is said in a room. A bot says all of it as itself and puts the name before the words; an
/// application service has a user for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The program: notices and ticks.
    Desk,
    Customer {
        id: CustomerId,
        /// As it was when they wrote.
        name: String,
        /// The address of their profile picture; another picture has another address.
        avatar: Option<String>,
    },
    /// The owner, on the phone or on another linked device.
    Phone,
    /// Somebody of this desk, not in the room but in another face.
    Colleague { name: String, origin: Origin },
    /// Anyone else of whom only a name is known, such as WhatsApp itself in its notices.
    Named { name: String },
}

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
/// and encryption adds a third. A longer text is cut by whoever renders it.
pub const MAX_ROOM_TEXT: usize = 20 * 1024;

/// A file that is shown in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFile {
    /// Where its bytes are, for as long as the call lasts.
    pub path: PathBuf,
    pub name: String,
    pub mimetype: String,
    /// In bytes.
    pub size: u64,
    /// What was written under it.
    pub caption: Option<String>,
}

/// Something shown in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomContent {
    /// What somebody wrote.
    Text {
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// A file that somebody sent. Shown as an image, a video or a sound where its type is one.
    File {
        file: RoomFile,
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

/// What happened since a mark, complete: gaps are filled before it is handed over (rule 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomBatch {
    /// To be stored in the same transaction as the events, and to be handed back in the next pull.
    pub mark: RoomMark,
    /// In order per room. Our own events are left out, and those that are nothing for us.
    pub events: Vec<RoomEvent>,
    pub receipts: Vec<ReadUpTo>,
    /// Rooms in which more has happened than is read back: their oldest events are missing here. To be told.
    pub cut: Vec<MatrixRoomId>,
}

impl RoomBatch {
    /// Returns a batch in which nothing has happened up to `mark`.
    pub fn nothing_until(mark: RoomMark) -> Self {
        Self {
            mark,
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

    /// Returns what happened since `acked`, waiting up to half a minute for something. Everything up to `acked` is stored
    /// on our side: only now may the adapter tell the homeserver that it has it. With no mark: nothing but the mark of now
    /// (rule 17: nothing older than now is sent to a customer). The same mark again gives the same events again, and
    /// whatever has come since. One call at a time, and always one under way: [`Self::send`] relies on it to know who may
    /// read.
    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError>;

    /// One event again, decrypted if its key has come by now.
    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError>;

    /// Returns the event and those before it in its room, the newest first, as far back as one page goes.
    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError>;

    /// The room of this alias, made if there is none; adopted only when we created it (rule 19).
    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError>;

    /// Sets name and topic where they differ, and invites those who are missing.
    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError>;

    /// Sends in somebody's name under a transaction id: the same id again gives the same event. Until the first
    /// [`Self::pull`] of this run has come back there is no sending.
    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError>;

    /// Looks through the room's newest events for one of ours with this transaction id in its content (rule 18).
    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError>;

    /// Takes an event of ours back.
    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError>;

    /// Moves our read receipt to `id`: the customer has read it (rule 20).
    async fn mark_read(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError>;

    /// Ends the connection in order.
    async fn close(&self);
}
