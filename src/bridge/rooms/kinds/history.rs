//! History in a new room: what was said before it was made, at its true time. It is there before any agent is invited, so nobody
//! is notified of it, and before the message for which the room is made. Only an application service can send it; a bot has
//! `!history`.

use futures_util::FutureExt;

use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::bridge::rooms::render;
use crate::bridge::rooms::spec;
use crate::bridge::rooms::ticks;
use crate::bridge::rooms::txn::{of_message, txn};
use crate::domain::matrix::{MatrixError, RoomContent, RoomSpec, TxnId};
use crate::domain::message::{Kind, Message, MessageState};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{ConversationId, MatrixEventId, MatrixRoomId, MessageId};
use crate::store::{NewWork, PageRequest, StoreError, Tx};

/// Most messages that a new room begins with. Each costs a request, and the message for which the room is made waits.
const HISTORY: u64 = 50;
/// Number of the event that shows a message.
const FIRST_PART: i32 = 0;

impl RoomRelay {
    /// Makes the room of a conversation, with its history if the homeserver takes that. `before`: message for which it is made.
    /// Repeated after a crash at any point, it goes on: the room is found by its alias, each event by its transaction id.
    pub(in crate::bridge::rooms) async fn make_room(
        &self,
        item: &OutboxItem<MatrixWork>,
        conversation: ConversationId,
        before: MessageId,
    ) -> Result<MatrixRoomId, Undone> {
        let spec = spec::of(&self.core, conversation, self.us().as_ref()).await?;
        let past = if self.port.has_ghosts() {
            self.past(conversation, before).await?
        } else {
            vec![]
        };
        if past.is_empty() {
            return Ok(self.port.ensure_room(&spec).await?);
        }
        let empty = RoomSpec {
            invite: vec![],
            ..spec.clone()
        };
        let room = self.port.ensure_room(&empty).await?;
        for message in &past {
            self.show_past(item, &room, message).await?;
        }
        let invited = self.port.update_room(&room, &spec).await;
        invited.map_err(Undone::in_room(&room))?;
        Ok(room)
    }

    /// Returns what was said before a message, the oldest first, as agents may see it. What is still to be shown as news is left
    /// out, and what the customer never got.
    async fn past(&self, conversation: ConversationId, before: MessageId) -> Result<Vec<Message>, StoreError> {
        let page = self
            .core
            .store
            .messages()
            .page(conversation, PageRequest::last(HISTORY))
            .await?;
        let is_past = |message: &Message| {
            let is_said = message.kind != Kind::System && message.deleted_at.is_none();
            let is_theirs = message.state != MessageState::Failed && !message.state.is_for_later();
            is_said && is_theirs && (message.backfilled || message.id < before)
        };
        let past = page.data.into_iter().rev().filter(is_past);
        Ok(past.map(|message| self.core.policy.shown_message(message)).collect())
    }

    /// Shows one message at its true time, with its file if that is here.
    async fn show_past(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        message: &Message,
    ) -> Result<(), Undone> {
        let known = self.core.store.rooms().shown_in(message.id).await?;
        let reply_to = self.replied(message).await?;
        let quoted = match reply_to {
            Some(_) => None,
            None => self.quoted(message).await?,
        };
        let name = txn(&self.core.instance, &of_message(message.id, "past"));
        let file = match self.bytes_of(message).await? {
            Some(path) => {
                let file = render::file(message, quoted.as_ref(), path);
                let file = self.with_thumbnail(message, file).await;
                let reply_to = reply_to.clone();
                let content = RoomContent::File { file, reply_to };
                self.send_past(item, room, message, (&name, &content)).await?
            }
            None => None,
        };
        let has_file = file.is_some();
        let shown = if file.is_some() {
            file
        } else {
            let content = render::text(message, reply_to, quoted.as_ref(), None);
            let content = self.linked(message, content).await?;
            self.send_past(item, room, message, (&name, &content)).await?
        };
        // One that another room still shows stays known by its event there.
        let (Some(event), None) = (shown, known) else {
            return Ok(());
        };
        self.core
            .write((message.id, event, has_file), |tx, (id, event, has_file)| {
                async move { put_past(tx, *id, event, *has_file).await }.boxed()
            })
            .await?;
        Ok(())
    }

    /// Sends an event of the past. `None` if the homeserver refuses it: history is no reason to have no room.
    async fn send_past(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        message: &Message,
        (name, content): (&TxnId, &RoomContent),
    ) -> Result<Option<MatrixEventId>, Undone> {
        if self.is_doubtful(item)
            && let Some(event) = self.find(room, name).await?
        {
            return Ok(Some(event));
        }
        let speaker = self.speaker(message).await?;
        let sent = self
            .port
            .send_at(room, &speaker, name, content, message.timestamp)
            .await;
        match sent {
            Err(MatrixError::Refused(why)) => {
                tracing::warn!(message = %message.id, "the history of a room lacks a message: {why}");
                Ok(None)
            }
            sent => sent.map(Some).map_err(Undone::in_room(room)),
        }
    }
}

/// Stores which event shows a message of the past, and queues what belongs to it: its end, if it has been deleted meanwhile, or
/// what the customer has of it and thinks of it.
async fn put_past(tx: &mut Tx, id: MessageId, event: &MatrixEventId, has_file: bool) -> Result<(), StoreError> {
    let Some(message) = tx.messages().get(id).await? else {
        return Ok(());
    };
    let place = message.conversation_id;
    if has_file {
        tx.rooms().add_file(id, FIRST_PART, event, place).await?;
    } else {
        tx.rooms().add_event(id, FIRST_PART, event, place).await?;
    }
    let work = if message.deleted_at.is_some() {
        MatrixWork::ShowDeletion { message: id }
    } else if message.customer_id.is_some() && message.shown_reactions().next().is_some() {
        MatrixWork::ShowReactions { message: id }
    } else if matches!(
        message.state,
        MessageState::Queued | MessageState::Sending | MessageState::Sent | MessageState::Unknown
    ) {
        return ticks::ask(tx, &message).await;
    } else {
        return Ok(());
    };
    tx.outbox().enqueue(NewWork::for_message(&message, work)).await?;
    Ok(())
}
