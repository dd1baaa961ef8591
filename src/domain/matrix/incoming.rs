//! Events of rooms, as an adapter tells them.

use super::{MatrixError, RoomMark};
use crate::domain::details::{Location, Poll};
use crate::domain::media::FileKind;
use crate::domain::word::words;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

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
