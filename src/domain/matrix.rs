//! The port to Matrix. `matrix` implements it with a real homeserver, the simulation with a fake.
//!
//! It fits two kinds of adapter: a bot, which asks the homeserver for events and sends everything itself, and an
//! application service, to which the homeserver pushes events and which sends as a user per customer.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::details::{Location, Poll};
use super::media::{FileKind, Sink};
use super::own_homeserver::OwnHomeserver;
use super::shown::{Link, RoomPoll, SendStatus};
use super::word::words;
use super::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

pub use super::speaker::Speaker;

words! {
    /// State of the connection to the homeserver.
    MatrixState {
        /// No homeserver is configured.
        Off = "off",
        Starting = "starting",
        Ready = "ready",
        /// The homeserver does not answer; retried with a growing pause.
        Unreachable = "unreachable",
        /// The homeserver refuses our login.
        Refused = "refused",
    }
}

/// State of the connection to the homeserver, with an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixStatus {
    /// State of the connection.
    pub state: MatrixState,
    /// Problem and what to do about it.
    pub detail: Option<String>,
    /// Our own Matrix user, once it is known.
    pub user: Option<MatrixUserId>,
}

/// Failure of a call to the homeserver, and its certainty.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum MatrixError {
    /// The homeserver does not answer, or asks us to wait (429: for `retry_after`). A repeat with the same transaction
    /// id is safe for a while, so this counts as no attempt.
    #[error("the homeserver cannot be reached: {why}")]
    Unreachable { why: String, retry_after: Option<Duration> },
    /// The homeserver refused the call, and would refuse it again.
    #[error("the homeserver refused: {0}")]
    Refused(String),
    /// We are not in the room any more, or it does not exist: its mapping must be deleted.
    #[error("the room is gone: {0}")]
    RoomGone(String),
}

/// A transaction id (rule 18): `<instance uuid>.<message id>.<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnId(pub String);

/// Position up to which room events were stored, in the adapter's own format: for a bot the token of its last sync, for
/// an application service the time of its last sweep and the id of the last transaction that was pushed. All others only store
/// it and compare it for equality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomMark(pub String);

/// A room to be created exactly once: `alias` is the key (rule 19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSpec {
    /// Local part of the alias: the conversation's random key, never a phone number.
    pub alias: String,
    /// User who makes or made it, if that is known; a room of another one is not adopted. `None`: any login of this desk.
    pub creator: Option<MatrixUserId>,
    /// Name of the room.
    pub name: String,
    /// Topic of the room.
    pub topic: String,
    /// Users to invite, unless they have left the room by themselves.
    pub invite: Vec<MatrixUserId>,
    /// Users who must not be in the room: former agents.
    pub exclude: Vec<MatrixUserId>,
    /// Room that it replaces.
    pub replaces: Option<MatrixRoomId>,
    /// Whether it is a direct room with one person, outside the Space (the trouble room).
    pub direct: bool,
    /// Whether it is by invitation alone, outside the Space (the management room).
    pub closed: bool,
}

/// Longest text that surely fits one event, in bytes: an event has at most 65,536 bytes, JSON may double the text, and
/// encryption adds a third. Whoever renders a longer text cuts it.
pub const MAX_ROOM_TEXT: usize = 20 * 1024;

/// A file to be shown in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFile {
    /// Path of its bytes, valid during the call.
    pub path: PathBuf,
    /// Name of the file.
    pub name: String,
    /// Media type of the file.
    pub mimetype: String,
    /// Size in bytes.
    pub size: u64,
    /// Text under the file.
    pub caption: Option<String>,
    /// Kind as which it was sent: a sticker and a voice note look other than an image and a song.
    pub kind: FileKind,
    /// Width and height in pixels, if they are known.
    pub pixels: Option<(u32, u32)>,
    /// Length of a recording, in seconds.
    pub duration_s: Option<u32>,
    /// Loudness of a voice note over its length, as numbers from 0 to 100.
    pub waveform: Vec<u8>,
    /// Small picture of it, for lists.
    pub thumbnail: Option<Thumbnail>,
}

/// Small picture of a file: a JPEG.
#[derive(Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Bytes of the picture.
    pub bytes: Vec<u8>,
    /// Width and height in pixels.
    pub pixels: (u32, u32),
}

impl std::fmt::Debug for Thumbnail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Thumbnail({} bytes)", self.bytes.len())
    }
}

/// A customer's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avatar {
    /// Its address; another picture has another address.
    pub address: String,
    /// Path of its bytes, valid during the call.
    pub path: PathBuf,
    /// Media type of the file.
    pub mimetype: String,
}

/// Content to be shown in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomContent {
    /// A text that somebody wrote.
    Text {
        body: String,
        reply_to: Option<MatrixEventId>,
        /// Stretches of it that lead somewhere, in order.
        links: Vec<Link>,
    },
    /// New text of a text of ours.
    Edit { of: MatrixEventId, body: String },
    /// A place, with the line that stands for it.
    Place {
        latitude: f64,
        longitude: f64,
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// A file that somebody sent.
    File {
        file: RoomFile,
        reply_to: Option<MatrixEventId>,
    },
    /// A notice of the program. Never goes to a customer.
    Notice {
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// The card of a room, or its new text. Never goes to a customer.
    Card { body: String, of: Option<MatrixEventId> },
    /// A tick on an agent's message, or a customer's reaction.
    Reaction { to: MatrixEventId, key: String },
    /// How far an agent's message is.
    Status(SendStatus),
    /// A poll.
    Poll {
        poll: RoomPoll,
        reply_to: Option<MatrixEventId>,
    },
    /// The present choice of its sender in a poll, as ids of options; empty if it was taken back.
    Vote { of: MatrixEventId, options: Vec<String> },
}

/// A file that somebody has sent in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// Where its bytes are, in the adapter's own format.
    pub source: String,
    /// Name of the file.
    pub name: Option<String>,
    /// Media type as the sender states it.
    pub mimetype: Option<String>,
    /// Text under the file, with WhatsApp's marks.
    pub caption: Option<String>,
    /// Kind as which it was sent. Its bytes decide whether it can go out as this.
    pub kind: FileKind,
}

/// Failure to fetch a file from a room.
#[derive(Debug, thiserror::Error)]
pub enum RoomFileError {
    /// The homeserver refused it or did not answer, or the bytes are not those that were sent.
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    /// The bytes could not be stored, or are too many.
    #[error("the file cannot be stored: {0}")]
    Sink(#[from] std::io::Error),
}

/// An event in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomEvent {
    /// Room of the event.
    pub room: MatrixRoomId,
    /// Id of the event.
    pub id: MatrixEventId,
    /// Sender of the event.
    pub sender: MatrixUserId,
    /// Time of writing, as the sender's homeserver states it.
    pub at: Timestamp,
    /// Root of the thread in which it was written; `None` outside threads.
    pub thread: Option<MatrixEventId>,
    /// Kind and content of the event.
    pub what: RoomEventKind,
}

/// Kind and content of a room event.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEventKind {
    /// A text, without the reply fallback, and the event that it replies to.
    Text {
        body: String,
        reply_to: Option<MatrixEventId>,
    },
    /// A file, and the event that it replies to.
    File {
        file: Box<SentFile>,
        reply_to: Option<MatrixEventId>,
    },
    /// A place, and the event that it replies to.
    Place {
        place: Location,
        reply_to: Option<MatrixEventId>,
    },
    /// A poll, and the event that it replies to. Its options have the ids that the event gives them.
    Poll {
        poll: Box<Poll>,
        reply_to: Option<MatrixEventId>,
    },
    /// A choice in a poll.
    Vote { of: MatrixEventId },
    /// The end of a poll.
    PollEnd { of: MatrixEventId },
    /// New words for a text, or for the caption of a file, that the sender has written before.
    Edit { of: MatrixEventId, body: String },
    /// A reaction to an event.
    Reaction { of: MatrixEventId, key: String },
    /// A notice; never goes to a customer.
    Notice,
    /// Content for the customer that crm does not support yet, as a word (`edit`, `thread`, `reaction`, `image` …).
    Unsupported(String),
    /// An event that cannot be decrypted (yet).
    Undecryptable,
    /// A redaction: the sender takes back the event `of`, or removes somebody else's.
    Redaction { of: MatrixEventId },
    /// The room was replaced by another one, which somebody else created.
    Replaced,
    /// A login of this desk keeps the room from here on: the sender, if it is one.
    Fence,
    /// A change of a user's membership.
    Member { user: MatrixUserId, membership: Membership },
    /// An event that does not matter to crm.
    Other,
}

impl RoomEventKind {
    /// Returns the event that this one replies to.
    pub const fn reply_to(&self) -> Option<&MatrixEventId> {
        match self {
            Self::Text { reply_to, .. }
            | Self::File { reply_to, .. }
            | Self::Place { reply_to, .. }
            | Self::Poll { reply_to, .. } => reply_to.as_ref(),
            _ => None,
        }
    }
}

words! {
    Membership { Join = "join", Invite = "invite", Leave = "leave", Ban = "ban", Knock = "knock" }
}

/// A read receipt: an agent has read up to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadUpTo {
    /// Room of the receipt.
    pub room: MatrixRoomId,
    /// Agent who has read.
    pub user: MatrixUserId,
    /// Newest event that was read.
    pub event: MatrixEventId,
}

/// People who type in a room now, without our own users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomTyping {
    /// The room.
    pub room: MatrixRoomId,
    /// Users who type.
    pub users: Vec<MatrixUserId>,
}

/// Events and receipts since a mark, complete: gaps are filled before (rule 17). An event may come again in a later batch; it
/// counts once.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomBatch {
    /// Mark to be stored in the transaction of the events, and passed to the next pull.
    pub mark: RoomMark,
    /// Events in order per room, without our own and without those that do not matter.
    pub events: Vec<RoomEvent>,
    /// Read receipts.
    pub receipts: Vec<ReadUpTo>,
    /// Rooms in which somebody has begun or ceased to type.
    pub typing: Vec<RoomTyping>,
    /// Rooms with more events than can be read back: their oldest events are missing, and the room is sent a notice.
    pub cut: Vec<MatrixRoomId>,
    /// Whether they were looked for because the homeserver may have failed to push them.
    pub is_catch_up: bool,
}

impl RoomBatch {
    /// Returns a batch without events up to `mark`.
    pub fn nothing_until(mark: RoomMark) -> Self {
        Self {
            mark,
            events: Vec::new(),
            receipts: Vec::new(),
            typing: Vec::new(),
            cut: Vec::new(),
            is_catch_up: false,
        }
    }
}

/// Our account on a homeserver. Every call ends within a deadline of the adapter.
#[async_trait]
pub trait Matrix: Send + Sync + 'static {
    /// Returns a receiver of the connection's state.
    fn status(&self) -> watch::Receiver<MatrixStatus>;

    /// Returns the events since `acked`, and waits up to half a minute for one. Everything up to `acked` is stored on
    /// our side: only now may the adapter acknowledge it to the homeserver. Without a mark, returns only the present
    /// mark (rule 17: nothing older goes to a customer). The same mark again returns the same events again, and newer
    /// ones. There is one call at a time, and always one under way: [`Self::send`] relies on it to know who may read.
    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError>;

    /// Returns one event again, decrypted if its key has arrived.
    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError>;

    /// Returns the event and those before it in its room, newest first, as far back as one page goes.
    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError>;

    /// Fetches the bytes of a file of a room, at most `max`. Its bytes are those that the sender sent, or the call fails.
    async fn fetch_file(&self, file: &SentFile, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError>;

    /// Returns the room of this alias, and creates it if there is none. Fails if somebody else created it (rule 19).
    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError>;

    /// Sets name and topic where they differ, invites the users who are missing, and removes those who are excluded.
    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError>;

    /// Sends content in a sender's name under a transaction id; the same id again returns the same event. Nothing is
    /// sent until the first [`Self::pull`] of this run has returned.
    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError>;

    /// As [`Self::send`], at a time of the past. Only for adapters whose customers have users of their own.
    async fn send_at(
        &self,
        _room: &MatrixRoomId,
        _speaker: &Speaker,
        _txn: &TxnId,
        _content: &RoomContent,
        _at: Timestamp,
    ) -> Result<MatrixEventId, MatrixError> {
        Err(MatrixError::Refused(
            "a bot sends nothing at a time of the past".to_owned(),
        ))
    }

    /// Searches the room's newest events for one of ours with this transaction id in its content (rule 18).
    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError>;

    /// Redacts an event of ours, or an agent's reaction that was carried out.
    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError>;

    /// Pins an event in its room, beside those that are pinned.
    async fn pin(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError>;

    /// Moves a read receipt to `id`: the customer has read it (rule 20). It is the receipt of the customer's own user, where
    /// the reader is known and has one, else ours.
    async fn mark_read(
        &self,
        room: &MatrixRoomId,
        reader: Option<CustomerId>,
        id: &MatrixEventId,
    ) -> Result<(), MatrixError>;

    /// Shows for half a minute that a customer types, or that they do not: by their own user if they have one, else ours.
    async fn typing(
        &self,
        _room: &MatrixRoomId,
        _customer: Option<CustomerId>,
        _is_typing: bool,
    ) -> Result<(), MatrixError> {
        Ok(())
    }

    /// Returns whether customers have users of their own, who can act for them.
    fn has_ghosts(&self) -> bool {
        false
    }

    /// Returns whether [`Self::set_avatar`] would change anything: customers have users of their own, and this one's shows
    /// another picture.
    async fn wants_avatar(&self, _customer: CustomerId, _address: Option<&str>) -> Result<bool, MatrixError> {
        Ok(false)
    }

    /// Gives the customer's own user this picture, or none.
    async fn set_avatar(&self, _customer: CustomerId, _avatar: Option<&Avatar>) -> Result<(), MatrixError> {
        Ok(())
    }

    /// Says who belongs into the Space of all rooms, who is invited if they are missing, and who is put out of it.
    async fn set_team(&self, _invite: &[MatrixUserId], _exclude: &[MatrixUserId]) -> Result<(), MatrixError> {
        Ok(())
    }

    /// Returns what rooms have besides, if the homeserver is one's own: customers have users of their own, who can act for them.
    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        None
    }

    /// Closes the connection in order.
    async fn close(&self);
}
