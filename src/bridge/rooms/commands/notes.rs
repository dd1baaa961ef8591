//! Notes of colleagues in a room: takes in those that are written there, and words those that were written elsewhere.

use crate::bridge::core::refusal::Refusal;
use crate::bridge::desk;
use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::matrix::MAX_ROOM_TEXT;
use crate::domain::note::Note;
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, Tx};

use super::given::Given;

/// Mark on an agent's event that was taken as a note.
const MARK: &str = "📝";

/// Returns the line that shows a note: who wrote it, then its text, cut to [`MAX_ROOM_TEXT`] bytes.
pub(crate) fn line(note: &Note) -> String {
    let text = format!("{MARK} {}: {}", note.author.name, note.content);
    if text.len() <= MAX_ROOM_TEXT {
        return text;
    }
    let rest = format!("…\n[cut; all of it: crm conversation notes {}]", note.conversation_id);
    let end = text.floor_char_boundary(MAX_ROOM_TEXT - rest.len());
    format!("{}{rest}", &text[..end])
}

/// Stores a note that an agent wrote in a room, and marks its event.
pub(super) async fn write(tx: &mut Tx, given: &Given<'_>, text: &str) -> Result<(), Refusal> {
    let (conversation, event) = (given.conversation, given.event);
    let note = desk::write_note(tx, conversation.id, text, &given.author()).await?;
    let written = InternalEvent {
        room: event.room.clone(),
        event: event.id.clone(),
        kind: InternalKind::Note,
        note: Some(note.id),
        message: None,
    };
    tx.internal_events().add(&written).await?;
    let work = MatrixWork::Mark {
        room: event.room.clone(),
        event: event.id.clone(),
        key: MARK.to_owned(),
    };
    let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
    tx.outbox().enqueue(work).await?;
    Ok(())
}
