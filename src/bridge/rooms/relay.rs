//! Relay to Matrix: creates each conversation's room once, shows its messages there in order, updates the ticks, and
//! sends notices. Every call has a transaction id that a repeat uses again, so a crash at any point causes a repeat and
//! never a duplicate (rule 18).

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::lanes::{InHand, Pieces};
use crate::bridge::core::worker::Wakes;
use crate::bridge::core::{Core, trouble};
use crate::domain::delivery::back_off;
use crate::domain::matrix::{Matrix, MatrixError, MatrixState, RoomContent, Speaker};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, Timestamp};
use crate::store::{Busy, StoreError, WorkFor};

use super::management::NoRoom;
use super::management::wants::is_member;
use super::txn::{of_item, of_part};
use super::{gone, management, spaces, spec, ticks};

/// Upper bound of the lanes handled concurrently.
const LANES: usize = 8;
/// Pause when the homeserver does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Refusals of one piece of work before it is given up, which is logged.
const MAX_ATTEMPTS: u32 = 10;
/// As [`MAX_ATTEMPTS`], for a change of what a room shows: the homeserver may have lost that, and the customer's next words wait
/// behind it.
const MAX_CHANGES: u32 = 3;
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_secs(1);

/// Worker that does the outbox work for the rooms.
#[derive(Clone)]
pub struct RoomRelay {
    /// Shared context of the bridge.
    pub(crate) core: Core,
    /// The connection to the homeserver.
    pub(crate) port: Arc<dyn Matrix>,
}

/// Reason why a piece of work was not done.
pub(crate) enum Undone {
    /// The homeserver refused it or did not answer.
    Port(MatrixError),
    /// The room of the work is gone.
    Gone { room: MatrixRoomId, why: String },
    /// It waits for a file, at most until then.
    Waits { message: MessageId, until: Timestamp },
    /// The database failed.
    Store(StoreError),
}

impl From<MatrixError> for Undone {
    fn from(error: MatrixError) -> Self {
        Self::Port(error)
    }
}

impl From<NoRoom> for Undone {
    fn from(error: NoRoom) -> Self {
        match error {
            NoRoom::Port(error) => Self::Port(error),
            NoRoom::Store(error) => Self::Store(error),
        }
    }
}

impl Undone {
    /// Converts the error of a call about a room.
    pub(crate) fn in_room(room: &MatrixRoomId) -> impl FnOnce(MatrixError) -> Self {
        move |error| match error {
            MatrixError::RoomGone(why) => Self::Gone {
                room: room.clone(),
                why,
            },
            other => Self::Port(other),
        }
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl RoomRelay {
    /// Builds the worker; `port` is the connection to the homeserver.
    pub fn new(core: Core, port: Arc<dyn Matrix>) -> Self {
        Self { core, port }
    }
}

impl InHand<OutboxItem<MatrixWork>> for Busy {
    fn take(&mut self, piece: &OutboxItem<MatrixWork>) -> bool {
        Self::take(self, piece)
    }

    fn put_back(&mut self, piece: &OutboxItem<MatrixWork>) {
        Self::put_back(self, piece);
    }
}

impl Pieces for RoomRelay {
    type Piece = OutboxItem<MatrixWork>;
    type InHand = Busy;

    const AT_ONCE: usize = LANES;
    const FINISHES: bool = true;

    fn name(&self) -> &'static str {
        "relay to the rooms"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Rooms))
            .and(self.port.status())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn due(&self, in_hand: &Busy, limit: usize) -> Result<Vec<OutboxItem<MatrixWork>>, StoreError> {
        // After a restore nothing is sent to rooms before a person resumes the outbox (rule 5).
        if self.port.status().borrow().state != MatrixState::Ready || self.core.store.settings().is_parked().await? {
            return Ok(vec![]);
        }
        let (now, limit) = (self.core.clock.now(), limit as u64);
        self.core
            .store
            .outbox()
            .ready::<MatrixWork>(None, now, limit, in_hand)
            .await
    }

    async fn work(&self, item: &OutboxItem<MatrixWork>) -> Result<(), StoreError> {
        match self.handle(item).await {
            Ok(()) => Ok(()),
            Err(Undone::Port(error)) => self.after(item, &error).await,
            Err(Undone::Gone { room, why }) => self.after_gone(item, room, &why).await,
            Err(Undone::Waits { message, until }) => self.wait_for_file(item, message, until).await,
            Err(Undone::Store(error)) => Err(error),
        }
    }
}

impl RoomRelay {
    async fn handle(&self, item: &OutboxItem<MatrixWork>) -> Result<(), Undone> {
        match &item.work {
            MatrixWork::ShowMessage { message } => self.show(item, *message).await,
            MatrixWork::ShowFile { message } => self.show_file(item, *message).await,
            MatrixWork::ShowEdit { message } => self.show_edit(item, *message).await,
            MatrixWork::ShowDeletion { message } => self.show_deletion(item, *message).await,
            MatrixWork::ShowReactions { message } => self.show_reactions(item, *message).await,
            MatrixWork::ShowVote { message, from_me, text } => self.show_vote(item, *message, *from_me, text).await,
            MatrixWork::Tick { message } => ticks::bring_up_to_date(self, item, *message).await,
            MatrixWork::Answer { about, text } => self.answer(item, *about, text).await,
            MatrixWork::Reply { room, event, text } => {
                let content = RoomContent::Notice {
                    body: text.clone(),
                    reply_to: Some(event.clone()),
                };
                self.notify(item, room, &content, None).await
            }
            MatrixWork::Refuse { room, event, text } => Box::pin(self.refuse(item, room, event, text)).await,
            MatrixWork::Tell { room, text } => {
                let content = RoomContent::Notice {
                    body: text.clone(),
                    reply_to: None,
                };
                self.notify(item, room, &content, None).await
            }
            MatrixWork::ShowNote { note } => self.show_note(item, *note).await,
            MatrixWork::Mark { room, event, key } => self.mark(item, room, event, key).await,
            MatrixWork::Card { room } => self.show_card(item, room).await,
            MatrixWork::Place { room } => Box::pin(self.place(item, room)).await,
            MatrixWork::Pin { room, event } => self.pin(item, room, event).await,
            MatrixWork::Ask { question } => self.ask(item, *question).await,
            MatrixWork::Remove { room, event } => self.remove(item, room, event).await,
            MatrixWork::UpdateRoom => self.update_room(item).await,
            MatrixWork::Trouble { owner, key, text, ends } => {
                self.tell_trouble(item, owner.as_ref(), key, text, *ends).await
            }
        }
    }

    /// Returns the conversation's room, created if there is none; `message` is what the work is about.
    pub(super) async fn room(
        &self,
        item: &OutboxItem<MatrixWork>,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<MatrixRoomId, Undone> {
        if let Some(room) = self.known_room(conversation).await? {
            return Ok(room);
        }
        let room = self.make_room(item, conversation, message).await?;
        self.core
            .write(
                (conversation, room.clone(), self.placed_account(item)),
                |tx, (conversation, room, placed)| {
                    async move {
                        tx.rooms().set(*conversation, room).await?;
                        if let Some(account) = *placed {
                            tx.places().add(room).await?;
                            spaces::ask(tx, account, room).await?;
                        }
                        Ok::<_, StoreError>(())
                    }
                    .boxed()
                },
            )
            .await?;
        Box::pin(self.show_room_avatar(&room, conversation)).await?;
        Ok(room)
    }

    /// Returns our own Matrix user.
    pub(super) fn us(&self) -> Option<MatrixUserId> {
        self.port.status().borrow().user.clone()
    }

    /// Returns the conversation's room, if it exists.
    pub(crate) async fn known_room(&self, conversation: ConversationId) -> Result<Option<MatrixRoomId>, StoreError> {
        Ok(self
            .core
            .store
            .rooms()
            .of_conversation(conversation)
            .await?
            .and_then(|room| room.room))
    }

    /// Returns the room and event that show a message; it may be an earlier room of the conversation.
    pub(crate) async fn shown(&self, message: MessageId) -> Result<Option<(MatrixRoomId, MatrixEventId)>, StoreError> {
        let Some((event, place)) = self.core.store.rooms().shown_in(message).await? else {
            return Ok(None);
        };
        Ok(self.known_room(place).await?.map(|room| (room, event)))
    }

    async fn update_room(&self, item: &OutboxItem<MatrixWork>) -> Result<(), Undone> {
        if let Some(conversation) = item.lane
            && let Some(room) = self.known_room(conversation).await?
        {
            let spec = spec::of(&self.core, conversation, self.us().as_ref()).await?;
            let updated = self.port.update_room(&room, &spec).await;
            updated.map_err(Undone::in_room(&room))?;
            Box::pin(self.show_room_avatar(&room, conversation)).await?;
            if let Some(account) = self.placed_account(item) {
                self.core
                    .write((account, room), |tx, (account, room)| {
                        async move { spaces::ask(tx, *account, room).await }.boxed()
                    })
                    .await?;
            }
        }
        Ok(self.finish(item).await?)
    }

    /// Returns the account for which rooms are put into sub-spaces, where there are such.
    fn placed_account(&self, item: &OutboxItem<MatrixWork>) -> Option<AccountId> {
        self.port.own_homeserver().map(|_| item.account_id)
    }

    /// Sends a notice about a message to its room, as a reply if the message is shown there.
    pub(super) async fn answer(
        &self,
        item: &OutboxItem<MatrixWork>,
        about: MessageId,
        text: &str,
    ) -> Result<(), Undone> {
        let Some(message) = self.core.store.messages().get(about).await? else {
            return Ok(self.finish(item).await?);
        };
        let (room, reply_to) = if let Some((room, event)) = self.shown(about).await? {
            (room, Some(event))
        } else {
            // The message itself was shown, in a room that is gone by now.
            let after = MessageId(about.0 + 1);
            (self.room(item, message.conversation_id, after).await?, None)
        };
        let content = RoomContent::Notice {
            body: text.to_owned(),
            reply_to,
        };
        self.notify(item, &room, &content, Some(about)).await
    }

    /// Tells owner and managers of a trouble if it is still current, or of the end of one that was told.
    async fn tell_trouble(
        &self,
        item: &OutboxItem<MatrixWork>,
        owner: Option<&MatrixUserId>,
        key: &str,
        text: &str,
        ends: bool,
    ) -> Result<(), Undone> {
        let current = ends
            || self
                .core
                .write((key.to_owned(), text.to_owned()), |tx, (key, expected)| {
                    async move { trouble::is_current(tx, key, expected).await }.boxed()
                })
                .await?;
        if !current {
            return Ok(self.finish(item).await?);
        }
        let content = RoomContent::Notice {
            body: text.to_owned(),
            reply_to: None,
        };
        let managers = self.core.store.agents().list().await?.into_iter().filter(is_member);
        let is_manager = |user: &&MatrixUserId| managers.clone().any(|agent| agent.matrix_user.as_ref() == Some(*user));
        if let Some(owner) = owner.filter(|owner| !is_manager(owner)) {
            let room = self.port.ensure_room(&spec::trouble(&self.core, owner)).await?;
            self.send(item, &room, &Speaker::Desk, &of_item(item), &content).await?;
        }
        // A part of its own: each of the two rooms gets the notice once, however often this is repeated.
        if let Some(room) = management::ensure(&self.core, &*self.port).await? {
            self.send(item, &room, &Speaker::Desk, &of_part(item, 1), &content)
                .await?;
        }
        self.core
            .write((item.id, key.to_owned(), ends), |tx, (id, key, ends)| {
                async move {
                    if !*ends {
                        trouble::note_told(tx, key).await?;
                    }
                    tx.outbox().finish(*id).await.map(|_| ())
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Removes a row whose work is done.
    pub(crate) async fn finish(&self, item: &OutboxItem<MatrixWork>) -> Result<(), StoreError> {
        self.core
            .write(item.id, |tx, &id| {
                async move { tx.outbox().finish(id).await.map(|_| ()) }.boxed()
            })
            .await
    }

    /// Postpones work that failed, or gives it up after [`most_attempts`] refusals.
    async fn after(&self, item: &OutboxItem<MatrixWork>, error: &MatrixError) -> Result<(), StoreError> {
        let (pause, is_refusal) = match error {
            MatrixError::Unreachable { retry_after, .. } => (retry_after.unwrap_or(PAUSE), false),
            MatrixError::Refused(_) | MatrixError::RoomGone(_) => (back_off(item.attempts), true),
        };
        let most = most_attempts(&item.work);
        if is_refusal && item.attempts + 1 >= most {
            tracing::error!(item = %item.id, "refused {most} times; given up: {error}");
            return self.finish(item).await;
        }
        let due = self.core.clock.now().plus(pause);
        self.core
            .write(
                (item.id, due, error.to_string(), is_refusal),
                |tx, (id, due, why, is_refusal)| {
                    async move { tx.outbox().retry(*id, *due, why, *is_refusal).await }.boxed()
                },
            )
            .await
    }

    /// Forgets a room that is gone, with the work that can be done only there. Other work is tried again in a new room,
    /// at most [`MAX_ATTEMPTS`] times, since a homeserver might create rooms and then deny them.
    async fn after_gone(&self, item: &OutboxItem<MatrixWork>, room: MatrixRoomId, why: &str) -> Result<(), StoreError> {
        let give_up = item.attempts + 1 >= MAX_ATTEMPTS;
        if give_up {
            tracing::error!(item = %item.id, %room, "the room was gone {MAX_ATTEMPTS} times; given up: {why}");
        }
        let due = self.core.clock.now().plus(back_off(item.attempts));
        let input = (item.id, room, give_up, due, format!("the room is gone: {why}"));
        self.core
            .write(input, |tx, (id, room, give_up, due, why)| {
                async move {
                    gone::forget(tx, room).await?;
                    if *give_up {
                        return tx.outbox().finish(*id).await.map(|_| ());
                    }
                    tx.outbox().retry(*id, *due, why, true).await
                }
                .boxed()
            })
            .await
    }
}

/// Returns how many refusals of a piece of work there are before it is given up.
const fn most_attempts(work: &MatrixWork) -> u32 {
    match work {
        MatrixWork::ShowFile { .. }
        | MatrixWork::ShowEdit { .. }
        | MatrixWork::ShowDeletion { .. }
        | MatrixWork::ShowReactions { .. }
        | MatrixWork::ShowVote { .. } => MAX_CHANGES,
        _ => MAX_ATTEMPTS,
    }
}
