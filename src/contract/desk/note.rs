//! Notes of colleagues.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::AuthorView;
use crate::domain::note::Note;
use crate::domain::{ConversationId, NoteId, Timestamp};

/// A note of a colleague about a conversation. It never leaves the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteView {
    /// Id of the note.
    pub id: NoteId,
    /// Conversation that it is about.
    pub conversation_id: ConversationId,
    /// Its text.
    pub content: String,
    /// The person or program that wrote it.
    pub author: AuthorView,
    /// Time of writing.
    pub created_at: Timestamp,
}

/// Request for a new note.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// Its text, 1 to 16,384 characters.
    pub content: String,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            conversation_id: note.conversation_id,
            content: note.content,
            author: note.author.into(),
            created_at: note.created_at,
        }
    }
}
