//! Notes of colleagues. They are rows of their own, so that nothing that sends messages can ever take one up.

use futures_util::FutureExt;

use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::contract::{Event, NoteView};
use crate::domain::message::Author;
use crate::domain::note::{MAX_NOTE_CHARS, Note};
use crate::domain::{ConversationId, NoteId};

use super::handle::Desk;
use super::{idempotency, work};

/// A note to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    /// Conversation that it is about.
    pub conversation: ConversationId,
    /// Its text.
    pub content: String,
    /// The person or program that writes it.
    pub author: Author,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

impl Desk {
    /// Stores a note. Returns it, or the stored answer of an earlier request with the same key.
    pub async fn note(&self, new: NewNote) -> Result<Answered<Note>, Refusal> {
        check(&new.content)?;
        check_key(new.idempotency.as_ref())?;
        self.core
            .write(new, |tx, new| {
                async move {
                    let asked = new.idempotency.as_ref();
                    if let Some(stored) = idempotency::earlier(tx, asked).await? {
                        return Ok(Answered::Replayed(stored));
                    }
                    let conversation = work::live(tx, new.conversation).await?;
                    let note = tx.notes().add(conversation.id, &new.content, &new.author).await?;
                    tx.emit(Event::note_created(&note, &conversation));
                    idempotency::store(tx, asked, CREATED, &NoteView::from(note.clone()), None).await?;
                    Ok(Answered::New(note))
                }
                .boxed()
            })
            .await
    }

    /// Deletes a note.
    pub async fn delete_note(&self, id: NoteId) -> Result<(), Refusal> {
        self.core
            .write(id, |tx, &id| {
                async move {
                    let note = tx.notes().get(id).await?.ok_or_else(|| not_found("note", id))?;
                    let conversation = work::live(tx, note.conversation_id).await?;
                    if tx.notes().remove(id).await? {
                        tx.emit(Event::note_deleted(&note, &conversation));
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

fn check(content: &str) -> Result<(), Refusal> {
    if content.trim().is_empty() {
        return Err(Refusal::EmptyText);
    }
    let chars = content.chars().count();
    if chars > MAX_NOTE_CHARS {
        return Err(Refusal::NoteTooLong { chars });
    }
    if content.contains('\0') {
        return Err(Refusal::NulInText);
    }
    Ok(())
}

/// HTTP status of the answer to a new note ("created").
const CREATED: u16 = 201;
