//! Notes of colleagues. They are rows of their own, so that nothing that sends messages can ever take one up.

use futures_util::FutureExt;

use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts};
use crate::contract::{Event, NoteView};
use crate::domain::message::Author;
use crate::domain::note::{MAX_NOTE_CHARS, Note};
use crate::domain::outbox::MatrixWork;
use crate::domain::{ConversationId, MatrixEventId, NoteId};
use crate::store::{NewWork, Tx};

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
            .write_with(new, |tx, core, new| {
                async move {
                    let asked = new.idempotency.as_ref();
                    if let Some(stored) = idempotency::earlier(tx, asked).await? {
                        return Ok(Answered::Replayed(stored));
                    }
                    let note = write(tx, new.conversation, &new.content, &new.author).await?;
                    show(tx, core, &note).await?;
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
            .write(id, |tx, &id| async move { delete(tx, id, None).await }.boxed())
            .await
    }
}

/// Stores a note in the caller's transaction, as [`Desk::note`] does. Its room is not told.
pub(crate) async fn write(
    tx: &mut Tx,
    conversation: ConversationId,
    content: &str,
    author: &Author,
) -> Result<Note, Refusal> {
    check(content)?;
    let conversation = work::live(tx, conversation).await?;
    let note = tx.notes().add(conversation.id, content, author).await?;
    tx.emit(Event::note_created(&note, &conversation));
    Ok(note)
}

/// Deletes a note in the caller's transaction, as [`Desk::delete_note`] does, and removes it from the rooms that show it.
/// `removed`: the event that is removed already.
pub(crate) async fn delete(tx: &mut Tx, id: NoteId, removed: Option<&MatrixEventId>) -> Result<(), Refusal> {
    let note = tx.notes().get(id).await?.ok_or_else(|| not_found("note", id))?;
    let conversation = work::live(tx, note.conversation_id).await?;
    if !tx.notes().remove(id).await? {
        return Ok(());
    }
    tx.emit(Event::note_deleted(&note, &conversation));
    let shown = tx.internal_events().of_note(id).await?;
    for shown in shown.into_iter().filter(|shown| Some(&shown.event) != removed) {
        let work = MatrixWork::Remove {
            room: shown.room,
            event: shown.event,
        };
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}

/// Lets the conversation's room show a note that was not written in it.
async fn show(tx: &mut Tx, core: &Core, note: &Note) -> Result<(), Refusal> {
    let conversation = work::live(tx, note.conversation_id).await?;
    let policy = accounts::policy(tx, core, conversation.account_id).await?;
    if policy.matrix {
        let work = MatrixWork::ShowNote { note: note.id };
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
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
