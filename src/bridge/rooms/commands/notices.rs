//! What the bot says in a room beside the messages: notices, marks, and the removal of what is deleted.

use futures_util::FutureExt;

use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::matrix::{MatrixError, RoomContent, Speaker};
use crate::domain::message::MessageState;
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId, NoteId};
use crate::store::{NewWork, StoreError, Tx};

use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::bridge::rooms::txn::{of_item, txn};

use super::{RETRY, notes};

impl RoomRelay {
    /// Sends a notice, and stores that it stays inside (rule 1). `about`: the message that it is about.
    pub(crate) async fn notify(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        content: &RoomContent,
        about: Option<MessageId>,
    ) -> Result<(), Undone> {
        let event = self.send(item, room, &Speaker::Desk, &of_item(item), content).await?;
        let sent = InternalEvent {
            room: room.clone(),
            event,
            kind: InternalKind::Notice,
            note: None,
            message: about,
        };
        self.core
            .write((item.id, sent), |tx, (id, sent)| {
                async move {
                    tx.internal_events().add(sent).await?;
                    offer_retry(tx, sent).await?;
                    tx.outbox().finish(*id).await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Shows a note in its conversation's room, if there is one, as a notice.
    pub(crate) async fn show_note(&self, item: &OutboxItem<MatrixWork>, id: NoteId) -> Result<(), Undone> {
        let Some(note) = self.core.store.notes().get(id).await? else {
            return Ok(self.finish(item).await?);
        };
        let Some(room) = self.known_room(note.conversation_id).await? else {
            return Ok(self.finish(item).await?);
        };
        let content = RoomContent::Notice {
            body: notes::line(&note),
            reply_to: None,
        };
        let event = self.send(item, &room, &Speaker::Desk, &of_item(item), &content).await?;
        let shown = InternalEvent {
            room,
            event,
            kind: InternalKind::Note,
            note: Some(id),
            message: None,
        };
        self.core
            .write((item.clone(), shown, note), |tx, (item, shown, note)| {
                async move {
                    tx.internal_events().add(shown).await?;
                    if tx.notes().get(note.id).await?.is_none() {
                        // It was deleted while it was being shown.
                        let work = MatrixWork::Remove {
                            room: shown.room.clone(),
                            event: shown.event.clone(),
                        };
                        let work = NewWork::for_conversation(item.account_id, note.conversation_id, work);
                        tx.outbox().enqueue(work).await?;
                    }
                    tx.outbox().finish(item.id).await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Marks an agent's event with a reaction.
    pub(crate) async fn mark(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        event: &MatrixEventId,
        key: &str,
    ) -> Result<(), Undone> {
        let content = RoomContent::Reaction {
            to: event.clone(),
            key: key.to_owned(),
        };
        match self.send(item, room, &Speaker::Desk, &of_item(item), &content).await {
            // The instance before the restore has set it since the backup.
            Err(Undone::Port(MatrixError::Refused(_))) if self.core.restored.is_some() => {}
            sent => drop(sent?),
        }
        Ok(self.finish(item).await?)
    }

    /// Removes an event that shows what is deleted.
    pub(crate) async fn remove(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        event: &MatrixEventId,
    ) -> Result<(), Undone> {
        let name = txn(&self.core.instance, &of_item(item));
        let removed = self.port.redact(room, event, &name).await;
        removed.map_err(Undone::in_room(room))?;
        Ok(self.finish(item).await?)
    }
}

/// Puts the reaction that tries a message again under the notice that it went wrong, so that one tap does. Not if the message
/// is deleted.
async fn offer_retry(tx: &mut Tx, notice: &InternalEvent) -> Result<(), StoreError> {
    let Some(id) = notice.message else { return Ok(()) };
    let message = tx.messages().get(id).await?;
    let failed = message.filter(|message| {
        let has_failed = matches!(message.state, MessageState::Failed | MessageState::Unknown);
        has_failed && message.deleted_at.is_none()
    });
    if let Some(message) = failed {
        let work = MatrixWork::Mark {
            room: notice.room.clone(),
            event: notice.event.clone(),
            key: RETRY.to_owned(),
        };
        tx.outbox()
            .enqueue(NewWork::for_account(message.account_id, work))
            .await?;
    }
    Ok(())
}
