//! Notes of colleagues about a conversation. They never leave the desk.

use crate::domain::message::Author;
use crate::domain::{ConversationId, NoteId, Timestamp};

/// Longest note, in Unicode scalar values.
pub const MAX_NOTE_CHARS: usize = 16_384;

/// A note of a colleague.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Id of the note.
    pub id: NoteId,
    /// Conversation that it is about.
    pub conversation_id: ConversationId,
    /// Text of the note.
    pub content: String,
    /// The person or program that wrote it.
    pub author: Author,
    /// Time of writing.
    pub created_at: Timestamp,
}
