//! The way out to Matrix: makes each conversation's room, once, and shows in it what was said, in order; moves the ticks;
//! answers what went nowhere. Every call carries a transaction id that a repeat carries again, so a crash at any point
//! costs a repeat and never a double (rule 18).

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::bridge::core::{Core, Progress, trouble};
use crate::domain::matrix::{Matrix, MatrixError, MatrixState, RoomContent, TxnId};
use crate::domain::outbox::{OutboxItem, Target, Work};
use crate::domain::{ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};
use crate::store::{Busy, StoreError};

use super::{render, spec, ticks};

/// Lanes worked on side by side.
const LANES: usize = 8;
/// Homeservers forget transaction ids after a while; work older than this is searched for before it is done again.
const TXN_TRUSTED_FOR: Duration = Duration::from_mins(30);
/// The pause after a homeserver that does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Refusals of one piece of work before it is left undone, and said so in the log.
const MAX_ATTEMPTS: u32 = 10;
/// The safety net behind the bell.
const POLL: Duration = Duration::from_secs(1);

/// Works off the lanes of the rooms.
#[derive(Clone)]
pub struct RoomRelay {
    pub(crate) core: Core,
    pub(crate) port: Arc<dyn Matrix>,
}

/// Why a piece of work was not done.
pub(crate) enum Undone {
    Port(MatrixError),
    Store(StoreError),
}

impl From<MatrixError> for Undone {
    fn from(error: MatrixError) -> Self {
        Self::Port(error)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl RoomRelay {
    pub fn new(core: Core, port: Arc<dyn Matrix>) -> Self {
        Self { core, port }
    }

    /// Works until `stopping`; what is in hand is finished first. A lane that waits for its homeserver holds up no other.
    pub async fn run(self, stopping: tokio_util::sync::CancellationToken) {
        let mut bell = self.core.bell.listen();
        let mut status = self.port.status();
        // Each piece is a task of its own: one that is only looked at when this loop has time may hold a connection that the
        // loop itself is waiting for.
        let mut in_hand: JoinSet<OutboxItem> = JoinSet::new();
        let mut busy = Busy::default();
        loop {
            bell.mark_unchanged();
            if !stopping.is_cancelled()
                && in_hand.len() < LANES
                && status.borrow_and_update().state == MatrixState::Ready
            {
                let free = (LANES - in_hand.len()) as u64;
                match self
                    .core
                    .store
                    .ready(Target::Matrix, None, self.core.clock.now(), free, &busy)
                    .await
                {
                    Ok(items) => {
                        for item in items {
                            if !busy.take(&item) {
                                continue;
                            }
                            let relay = self.clone();
                            #[expect(clippy::disallowed_methods, reason = "its panic is resumed by the loop below")]
                            in_hand.spawn(async move { relay.work(item).await });
                        }
                    }
                    Err(error) => tracing::error!("the rooms' outbox cannot be read, trying again: {error}"),
                }
            }
            if stopping.is_cancelled() && in_hand.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = in_hand.join_next() => {
                    let item = match done {
                        Ok(item) => item,
                        // A panic in there is one in here: the supervisor starts the relay again.
                        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                        // The runtime is ending.
                        Err(_) => return,
                    };
                    busy.put_back(&item);
                }
                _ = bell.changed() => {}
                _ = status.changed() => {}
                () = self.core.clock.sleep(POLL) => {}
                () = stopping.cancelled(), if !stopping.is_cancelled() => {}
            }
        }
    }

    /// Works off, one after the other, the heads that are due now.
    pub async fn step(&self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        let items = self
            .core
            .store
            .ready(Target::Matrix, None, now, LANES as u64, &Busy::default())
            .await?;
        if items.is_empty() || self.port.status().borrow().state != MatrixState::Ready {
            return Ok(Progress::Idle);
        }
        for item in items {
            self.work(item).await;
        }
        Ok(Progress::Worked)
    }

    /// Does one piece of work, and writes down how it went.
    async fn work(&self, item: OutboxItem) -> OutboxItem {
        let outcome = match self.handle(&item).await {
            Ok(()) => return item,
            Err(Undone::Port(error)) => self.after(&item, error).await,
            Err(Undone::Store(error)) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::error!(item = %item.id, "work for a room could not be written down, trying again: {error}");
            self.core.clock.sleep(PAUSE).await;
        }
        item
    }

    async fn handle(&self, item: &OutboxItem) -> Result<(), Undone> {
        match &item.work {
            Work::ShowMessage { message } => self.show(item, *message).await,
            Work::Tick { message } => ticks::bring_up_to_date(self, item, *message).await,
            Work::Answer { about, text } => self.answer(item, *about, text).await,
            Work::Reply { room, event, text } => {
                let content = RoomContent::Notice {
                    body: text.clone(),
                    reply_to: Some(event.clone()),
                };
                self.send(item, room, &self.txn_of_item(item), &content).await?;
                Ok(self.finish(item).await?)
            }
            Work::Tell { room, text } => {
                let content = RoomContent::Notice {
                    body: text.clone(),
                    reply_to: None,
                };
                self.send(item, room, &self.txn_of_item(item), &content).await?;
                Ok(self.finish(item).await?)
            }
            Work::UpdateRoom => self.update_room(item).await,
            Work::Trouble { owner, key, text, ends } => self.tell_owner(item, owner, key, text, *ends).await,
            Work::SendMessage { .. } | Work::EditMessage { .. } | Work::DeleteMessage { .. } | Work::React { .. } => {
                tracing::error!(item = %item.id, "work for WhatsApp stands in a room's lane; taken out");
                Ok(self.finish(item).await?)
            }
        }
    }

    /// Shows a message that was not written in its room.
    async fn show(&self, item: &OutboxItem, id: MessageId) -> Result<(), Undone> {
        let Some(message) = self.core.store.message(id).await? else {
            return Ok(self.finish(item).await?);
        };
        if self.core.store.room_event(id, 0).await?.is_some() {
            return Ok(self.finish(item).await?);
        }
        let room = self.room(message.conversation_id).await?;
        let reply_to = match message.reply_to {
            Some(replied) => self.core.store.shown_in(replied).await?,
            None => None,
        };
        // What was shown in a room that the conversation has left cannot be replied to in this one.
        let reply_to = reply_to.filter(|(_, place)| *place == message.conversation_id);
        let reply_to = reply_to.map(|(event, _)| event);
        let content = RoomContent::Text {
            author: Some(render::author(&message)),
            body: render::body(&message),
            reply_to,
        };
        let event = self.send(item, &room, &self.txn(id, "0"), &content).await?;
        let (item, conversation) = (item.id, message.conversation_id);
        self.core
            .write(move |tx| {
                let (event, message, room) = (event.clone(), message.clone(), room.clone());
                async move {
                    // The room may have become another conversation's meanwhile.
                    let place = tx.conversation_of_room(&room).await?.unwrap_or(conversation);
                    tx.add_room_event(id, 0, &event, place).await?;
                    // Its state may have moved on before there was anything to tick.
                    ticks::ask(tx, &message).await?;
                    tx.finish_work(item).await.map(|_| ())
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// The conversation's room, made if there is none.
    async fn room(&self, conversation: ConversationId) -> Result<MatrixRoomId, Undone> {
        if let Some(room) = self.known_room(conversation).await? {
            return Ok(room);
        }
        let spec = spec::of(&self.core, conversation).await?;
        let room = self.port.ensure_room(&spec).await?;
        let stored = room.clone();
        self.core
            .write(move |tx| {
                let room = stored.clone();
                async move { tx.set_room(conversation, &room).await }.boxed()
            })
            .await?;
        Ok(room)
    }

    /// The conversation's room, if it is made.
    pub(crate) async fn known_room(&self, conversation: ConversationId) -> Result<Option<MatrixRoomId>, StoreError> {
        Ok(self.core.store.room_of(conversation).await?.and_then(|room| room.room))
    }

    /// The room and event that show a message; the conversation may have left that room.
    pub(crate) async fn shown(&self, message: MessageId) -> Result<Option<(MatrixRoomId, MatrixEventId)>, StoreError> {
        let Some((event, place)) = self.core.store.shown_in(message).await? else {
            return Ok(None);
        };
        Ok(self.known_room(place).await?.map(|room| (room, event)))
    }

    /// The conversation whose room a piece of work is for.
    async fn place_of(&self, item: &OutboxItem) -> Result<Option<ConversationId>, StoreError> {
        Ok(match &item.work {
            Work::Answer { about, .. } => match self.core.store.shown_in(*about).await? {
                Some((_, place)) => Some(place),
                None => item.lane,
            },
            _ => item.lane,
        })
    }

    async fn update_room(&self, item: &OutboxItem) -> Result<(), Undone> {
        if let Some(conversation) = item.lane
            && let Some(room) = self.known_room(conversation).await?
        {
            let spec = spec::of(&self.core, conversation).await?;
            self.port.update_room(&room, &spec).await?;
        }
        Ok(self.finish(item).await?)
    }

    /// Says in the room what became of a message.
    async fn answer(&self, item: &OutboxItem, about: MessageId, text: &str) -> Result<(), Undone> {
        let Some(message) = self.core.store.message(about).await? else {
            return Ok(self.finish(item).await?);
        };
        let (room, reply_to) = match self.shown(about).await? {
            Some((room, event)) => (room, Some(event)),
            None => (self.room(message.conversation_id).await?, None),
        };
        let content = RoomContent::Notice {
            body: text.to_owned(),
            reply_to,
        };
        self.send(item, &room, &self.txn_of_item(item), &content).await?;
        Ok(self.finish(item).await?)
    }

    /// Tells the owner of a trouble that there still is, or of the end of one that was told.
    async fn tell_owner(
        &self,
        item: &OutboxItem,
        owner: &MatrixUserId,
        key: &str,
        text: &str,
        ends: bool,
    ) -> Result<(), Undone> {
        let (expected, asked) = (text.to_owned(), key.to_owned());
        let current = ends
            || self
                .core
                .write(move |tx| {
                    let (key, expected) = (asked.clone(), expected.clone());
                    async move { trouble::is_current(tx, &key, &expected).await }.boxed()
                })
                .await?;
        if !current {
            return Ok(self.finish(item).await?);
        }
        let room = self.port.ensure_room(&spec::trouble(&self.core, owner)).await?;
        let content = RoomContent::Notice {
            body: text.to_owned(),
            reply_to: None,
        };
        self.send(item, &room, &self.txn_of_item(item), &content).await?;
        let (id, key) = (item.id, key.to_owned());
        self.core
            .write(move |tx| {
                let key = key.clone();
                async move {
                    if !ends {
                        trouble::note_told(tx, &key).await?;
                    }
                    tx.finish_work(id).await.map(|_| ())
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Sends under a transaction id. Work that is too old to trust the homeserver's memory is searched for first.
    pub(crate) async fn send(
        &self,
        item: &OutboxItem,
        room: &MatrixRoomId,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, Undone> {
        let old = self.core.clock.now().since(item.created_at) > TXN_TRUSTED_FOR;
        if old && let Some(event) = self.port.find_sent(room, txn).await? {
            return Ok(event);
        }
        Ok(self.port.send(room, txn, content).await?)
    }

    /// `<instance>.<message>.<part>`.
    pub(crate) fn txn(&self, message: MessageId, part: &str) -> TxnId {
        TxnId(format!("{}.{message}.{part}", self.core.instance))
    }

    /// For what belongs to no message: outbox ids are never used again.
    fn txn_of_item(&self, item: &OutboxItem) -> TxnId {
        TxnId(format!("{}.o{}.0", self.core.instance, item.id))
    }

    pub(crate) async fn finish(&self, item: &OutboxItem) -> Result<(), StoreError> {
        let id = item.id;
        self.core
            .write(move |tx| async move { tx.finish_work(id).await.map(|_| ()) }.boxed())
            .await
    }

    /// Puts work off, drops a room that is gone, or gives a refused piece up.
    async fn after(&self, item: &OutboxItem, error: MatrixError) -> Result<(), StoreError> {
        let now = self.core.clock.now();
        let (id, lane) = (item.id, self.place_of(item).await?);
        let why = error.to_string();
        let refused = matches!(error, MatrixError::Refused(_));
        let gone = matches!(error, MatrixError::RoomGone(_));
        let pause = match error {
            MatrixError::Unreachable { retry_after, .. } => retry_after.unwrap_or(PAUSE),
            MatrixError::Refused(_) | MatrixError::RoomGone(_) => crate::domain::delivery::back_off(item.attempts),
        };
        let give_up = refused && item.attempts + 1 >= MAX_ATTEMPTS;
        if give_up {
            tracing::error!(item = %id, "the homeserver has refused this {MAX_ATTEMPTS} times; given up: {why}");
        }
        self.core
            .write(move |tx| {
                let why = why.clone();
                async move {
                    if let (true, Some(conversation)) = (gone, lane) {
                        tx.drop_room(conversation).await?;
                    }
                    if give_up {
                        return tx.finish_work(id).await.map(|_| ());
                    }
                    tx.retry_work(id, now.plus(pause), &why, refused || gone).await
                }
                .boxed()
            })
            .await
    }
}
