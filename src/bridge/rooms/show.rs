//! Shows messages in their rooms, each in the sender's name and with its file. A file that comes late follows its message.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::agents;
use crate::bridge::media::attach;
use crate::domain::matrix::{MatrixError, RoomContent, Speaker};
use crate::domain::media::MediaState;
use crate::domain::message::{Direction, Message};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{ConversationId, MatrixEventId, MatrixRoomId, MessageId, Timestamp};
use crate::store::{NewWork, StoreError, Tx};
use crate::vault::VaultError;

use super::relay::{RoomRelay, Undone};
use super::render::{self, Quoted};
use super::ticks;
use super::txn::{of_message, txn};

/// How long a message waits for its file before its room shows it without; later messages wait behind it.
const WAITS_FOR_FILE: Duration = Duration::from_secs(10);
/// Number of the event that shows a message; it bears the tick.
const FIRST_PART: i32 = 0;
/// Number of the event that shows a file which came after its message.
const LATE_FILE: i32 = 1;
/// Names of the transactions of these events. A message's line and its file have different names: after a crash the line
/// must not be taken for the file.
const LINE: &str = "0";
const FILE: &str = "f";

/// A message on its way into its room.
struct Showing<'a> {
    item: &'a OutboxItem<MatrixWork>,
    message: &'a Message,
    room: MatrixRoomId,
    speaker: Speaker,
    /// Event that it answers.
    reply_to: Option<MatrixEventId>,
    /// Quotation of the message that it answers, if no event shows that.
    quoted: Option<Quoted>,
}

/// An event that shows a message.
struct Shown {
    event: MatrixEventId,
    has_file: bool,
}

impl RoomRelay {
    /// Shows a message that was not written in its room. After a crash the next try finds what was sent, or sends it.
    pub(super) async fn show(&self, item: &OutboxItem<MatrixWork>, id: MessageId) -> Result<(), Undone> {
        let store = &self.core.store;
        let Some(message) = self.message(id).await? else {
            return Ok(self.finish(item).await?);
        };
        let is_over = message.details.as_ref().is_some_and(|details| details.disappeared);
        if is_over || store.rooms().event(id, FIRST_PART).await?.is_some() {
            return Ok(self.finish(item).await?);
        }
        if is_coming(&message) {
            let until = item.created_at.plus(WAITS_FOR_FILE);
            if self.core.clock.now() < until && item.started_at.is_none() {
                return Err(Undone::Waits { message: id, until });
            }
            self.begin_without_file(item).await?;
        }
        let reply_to = self.replied(&message).await?;
        let showing = Showing {
            item,
            message: &message,
            room: self.room(item, message.conversation_id, id).await?,
            speaker: self.speaker(&message).await?,
            quoted: match reply_to {
                Some(_) => None,
                None => self.quoted(&message).await?,
            },
            reply_to,
        };
        if let Speaker::Customer { id, avatar, .. } = &showing.speaker {
            self.show_avatar(*id, avatar.as_deref()).await?;
        }
        let shown = self.send_message(&showing).await?;
        // An agent has left the room since the last message, so that this one may have notified nobody.
        let is_deserted =
            message.direction == Direction::Inbound && agents::has_left(store, message.conversation_id).await?;
        Ok(self
            .write_down(item, showing.room, (message, is_deserted), shown)
            .await?)
    }

    /// Sends a message with its file, or without it if that is not here.
    async fn send_message(&self, showing: &Showing<'_>) -> Result<Shown, Undone> {
        let Some(path) = self.bytes_of(showing.message).await? else {
            return self.send_line(showing, None).await;
        };
        // Before a crash it may have been shown without its file, which follows then.
        let has_begun = showing.item.started_at.is_some();
        let line = txn(&self.core.instance, &of_message(showing.message.id, LINE));
        if has_begun && let Some(event) = self.find(&showing.room, &line).await? {
            return Ok(Shown { event, has_file: false });
        }
        match self.send_file(showing, showing.reply_to.clone(), path).await {
            Err(Undone::Port(MatrixError::Refused(why))) => self.send_line(showing, Some(&why)).await,
            sent => sent,
        }
    }

    /// Sends a message as a text. `why`: reason why its file cannot be shown.
    async fn send_line(&self, showing: &Showing<'_>, why: Option<&str>) -> Result<Shown, Undone> {
        let Showing { item, message, .. } = *showing;
        let content = render::text(message, showing.reply_to.clone(), showing.quoted.as_ref(), why);
        let content = self.linked(message, content).await?;
        let name = of_message(message.id, LINE);
        let event = self
            .send(item, &showing.room, &showing.speaker, &name, &content)
            .await?;
        // A file that is refused is refused again.
        Ok(Shown {
            event,
            has_file: why.is_some(),
        })
    }

    async fn send_file(
        &self,
        showing: &Showing<'_>,
        reply_to: Option<MatrixEventId>,
        path: PathBuf,
    ) -> Result<Shown, Undone> {
        let Showing { item, message, .. } = *showing;
        let file = render::file(message, showing.quoted.as_ref(), path);
        let file = self.with_thumbnail(message, file).await;
        let content = RoomContent::File { file, reply_to };
        let name = of_message(message.id, FILE);
        let event = self
            .send(item, &showing.room, &showing.speaker, &name, &content)
            .await?;
        Ok(Shown { event, has_file: true })
    }

    /// Shows the file of a message whose room shows it without, as an answer to it.
    pub(super) async fn show_file(&self, item: &OutboxItem<MatrixWork>, id: MessageId) -> Result<(), Undone> {
        let (Some(message), Some((room, event))) = (self.message(id).await?, self.shown(id).await?) else {
            return Ok(self.finish(item).await?);
        };
        let lacks_it = message.deleted_at.is_none() && self.core.store.rooms().lacks_file(id).await?;
        let Some(path) = (if lacks_it { self.bytes_of(&message).await? } else { None }) else {
            return Ok(self.finish(item).await?);
        };
        let showing = Showing {
            item,
            speaker: self.speaker(&message).await?,
            message: &message,
            room: room.clone(),
            reply_to: None,
            quoted: None,
        };
        let shown = match self.send_file(&showing, Some(event), path).await {
            Err(Undone::Port(MatrixError::Refused(why))) => {
                let text = render::not_shown(&message, &why);
                return self.answer(item, id, &text).await;
            }
            sent => sent?,
        };
        let input = (item.id, room, message, shown.event);
        self.core
            .write(input, |tx, (item, room, message, event)| {
                async move {
                    let place = place_of(tx, room, message).await?;
                    tx.rooms().add_file(message.id, LATE_FILE, event, place).await?;
                    tx.outbox().finish(*item).await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Lets a message wait for its file, unless that has come meanwhile.
    pub(super) async fn wait_for_file(
        &self,
        item: &OutboxItem<MatrixWork>,
        message: MessageId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.core
            .write((item.id, message, until), |tx, &(item, message, until)| {
                async move {
                    if tx
                        .messages()
                        .get(message)
                        .await?
                        .is_some_and(|message| is_coming(&message))
                    {
                        tx.outbox()
                            .retry(item, until, "its file is being fetched", false)
                            .await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
    }

    /// Records that a message is about to be shown without its file: after a crash the file may be here.
    async fn begin_without_file(&self, item: &OutboxItem<MatrixWork>) -> Result<(), StoreError> {
        self.core
            .write(item.id, |tx, &id| {
                async move { tx.outbox().start(id).await.map(|_| ()) }.boxed()
            })
            .await
    }

    async fn write_down(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: MatrixRoomId,
        (message, is_deserted): (Message, bool),
        shown: Shown,
    ) -> Result<(), StoreError> {
        let input = (item.id, room, message, (shown, is_deserted));
        self.core
            .write(input, |tx, (item, room, message, (shown, is_deserted))| {
                async move {
                    let place = place_of(tx, room, message).await?;
                    if *is_deserted {
                        agents::forget_left(tx, message.conversation_id).await?;
                        let update = NewWork::for_conversation(message.account_id, place, MatrixWork::UpdateRoom);
                        tx.outbox().enqueue(update).await?;
                    }
                    if shown.has_file {
                        tx.rooms().add_file(message.id, FIRST_PART, &shown.event, place).await?;
                    } else {
                        tx.rooms()
                            .add_event(message.id, FIRST_PART, &shown.event, place)
                            .await?;
                    }
                    // State and file may have changed before the event existed to which they belong.
                    if let Some(present) = tx.messages().get(message.id).await? {
                        attach::show_late(tx, &present).await?;
                    }
                    ticks::ask(tx, message).await?;
                    tx.cards().ask(message.account_id, message.conversation_id).await?;
                    tx.outbox().finish(*item).await.map(|_| ())
                }
                .boxed()
            })
            .await
    }

    /// Returns the event that a message answers, if it is in the same room.
    pub(super) async fn replied(&self, message: &Message) -> Result<Option<MatrixEventId>, StoreError> {
        let Some(replied) = message.reply_to else {
            return Ok(None);
        };
        let shown = self.core.store.rooms().shown_in(replied).await?;
        // A message that is shown in an earlier room of the conversation cannot be replied to in this one.
        let here = shown.filter(|(_, place)| *place == message.conversation_id);
        Ok(here.map(|(event, _)| event))
    }

    /// Returns what a message answers, if the room cannot show that as a reply: it was written before the room, or we
    /// never had it.
    pub(super) async fn quoted(&self, message: &Message) -> Result<Option<Quoted>, StoreError> {
        if let Some(replied) = message.reply_to {
            return Ok(self.message(replied).await?.as_ref().map(Quoted::of));
        }
        let quote = message.details.as_ref().and_then(|details| details.quote.as_ref());
        Ok(quote.and_then(Quoted::of_reply))
    }

    /// Returns a message as the agents in rooms may see it.
    pub(super) async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let message = self.core.store.messages().get(id).await?;
        Ok(message.map(|message| self.core.policy.shown_message(message)))
    }

    /// Returns the sender in whose name a message is shown.
    pub(super) async fn speaker(&self, message: &Message) -> Result<Speaker, StoreError> {
        let avatar = match message.customer_id {
            Some(id) if message.direction == Direction::Inbound => self
                .core
                .store
                .customers()
                .get(id)
                .await?
                .and_then(|customer| customer.photo_url),
            _ => None,
        };
        Ok(render::speaker(message, avatar))
    }

    /// Returns a message's file, if it has one that is here.
    pub(super) async fn bytes_of(&self, message: &Message) -> Result<Option<PathBuf>, Undone> {
        let stored = message.media.as_ref().filter(|media| media.state == MediaState::Stored);
        let Some(sha256) = stored.and_then(|media| media.sha256.as_deref()) else {
            return Ok(None);
        };
        match self.core.vault.file(sha256).await {
            Ok(path) => Ok(Some(path)),
            Err(VaultError::Missing) => Ok(None),
            Err(error) => Err(Undone::Port(MatrixError::Unreachable {
                why: format!("the file cannot be read now: {error}"),
                retry_after: None,
            })),
        }
    }
}

/// Returns the conversation whose room an event is in. A merge may have given the room to another one meanwhile.
async fn place_of(tx: &mut Tx, room: &MatrixRoomId, message: &Message) -> Result<ConversationId, StoreError> {
    let place = tx.rooms().conversation(room).await?;
    Ok(place.unwrap_or(message.conversation_id))
}

/// Returns whether a message's file is being fetched. One that must be asked for says so in its detail.
fn is_coming(message: &Message) -> bool {
    let media = message.media.as_ref();
    media.is_some_and(|media| media.state == MediaState::Pending && media.detail.is_none())
}
