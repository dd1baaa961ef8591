//! Rooms to be made, and content to be shown in them.

use std::path::PathBuf;

use crate::domain::media::FileKind;
use crate::domain::shown::{Link, RoomPoll, SendStatus};
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

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
    /// Users who may be in the room without being invited: the other agents, and the owner.
    pub allow: Vec<MatrixUserId>,
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
