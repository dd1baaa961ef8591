//! Shows changes of messages in their rooms: edits, deletions, and the reactions of people outside.

use std::collections::BTreeSet;

use futures_util::FutureExt;

use crate::domain::matrix::{MatrixError, RoomContent, Speaker};
use crate::domain::message::Message;
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId};
use crate::store::{RoomReaction, StoreError};

use super::relay::{RoomRelay, Undone};
use super::render;
use super::txn::{of_item, of_message, of_part, txn};

/// Number of the event that shows the first edit of a message; those before it show the message itself and its late file.
const FIRST_EDIT: i32 = 2;
/// Most reactions of the bot to one message; in a chat of two people there are two.
const MAX_SHOWN: usize = 8;

impl RoomRelay {
    /// Replaces the text that shows a message by the present one.
    pub(super) async fn show_edit(&self, item: &OutboxItem<MatrixWork>, id: MessageId) -> Result<(), Undone> {
        let message = self.message(id).await?;
        let message = message.filter(|message| message.deleted_at.is_none());
        let (Some(message), Some((room, of))) = (message, self.shown(id).await?) else {
            return Ok(self.finish(item).await?);
        };
        let quoted = match self.replied(&message).await? {
            Some(_) => None,
            None => self.quoted(&message).await?,
        };
        let content = match render::edit(&message, of, quoted.as_ref()) {
            RoomContent::Edit { of, body } if self.core.store.rooms().is_shown_by_former(id).await? => {
                anew(&body, Some(of))
            }
            content => content,
        };
        let speaker = self.speaker(&message).await?;
        let shown = match self.send(item, &room, &speaker, &of_item(item), &content).await {
            Err(refused @ Undone::Port(MatrixError::Refused(_))) => match &content {
                // The customer's words are told, though not in their place.
                RoomContent::Edit { of, body } if self.is_lost(&room, of).await? => {
                    let name = of_part(item, 1);
                    self.send(item, &room, &speaker, &name, &anew(body, None)).await?
                }
                _ => return Err(refused),
            },
            shown => shown?,
        };
        self.core
            .write((item.id, id, shown, room), |tx, (item, id, shown, room)| {
                async move {
                    // Each edit has the text of its time: a deletion must find them all.
                    let known = tx.rooms().events(*id).await?;
                    if let Some(place) = tx.rooms().conversation(room).await?
                        && known.iter().all(|(_, event)| event != shown)
                    {
                        let newest = known.iter().map(|(part, _)| *part).max().unwrap_or_default();
                        let part = FIRST_EDIT.max(newest + 1);
                        tx.rooms().add_event(*id, part, shown, place).await?;
                    }
                    tx.outbox().finish(*item).await.map(|_| ())
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// Removes the events that show a message, also where one of them is refused.
    pub(super) async fn show_deletion(&self, item: &OutboxItem<MatrixWork>, id: MessageId) -> Result<(), Undone> {
        let mut refused = None;
        if let Some((room, _)) = self.shown(id).await? {
            for (part, event) in self.core.store.rooms().events(id).await? {
                let name = of_message(id, &format!("{part}.gone"));
                match self.take_back(&room, &event, &name).await {
                    Err(Undone::Port(MatrixError::Refused(why))) => refused = Some(why),
                    done => done?,
                }
            }
        }
        match refused {
            Some(why) => Err(MatrixError::Refused(why).into()),
            None => Ok(self.finish(item).await?),
        }
    }

    /// Brings the bot's reactions to a message in line with those of the people outside the room. Each is stored before it
    /// is sent: after a crash it is sent again under the same transaction id.
    pub(super) async fn show_reactions(&self, item: &OutboxItem<MatrixWork>, id: MessageId) -> Result<(), Undone> {
        let message = self.core.store.messages().get(id).await?;
        let (Some(message), Some((room, event))) = (message, self.shown(id).await?) else {
            return Ok(self.finish(item).await?);
        };
        let standing = self.core.store.rooms().reactions(id).await?;
        let customer = if self.port.own_homeserver().is_some() {
            self.customer_of(&message).await?
        } else {
            None
        };
        let wanted = wanted(&message, &standing, customer.is_some());
        let speakers = Speakers { customer };
        let (ours, _): (Vec<_>, Vec<_>) = standing.into_iter().partition(|reaction| reaction.sender.is_none());
        for reaction in &ours {
            let speaker = speakers.of(reaction);
            let shown = self.react(item, (&room, &event), speaker, reaction).await?;
            if !wanted.contains(&(reaction.emoji.clone(), reaction.by_customer)) {
                self.unreact(&room, speaker, &shown, reaction).await?;
                self.forget(reaction.id).await?;
            }
        }
        for (emoji, by_customer) in wanted {
            let is_same = |reaction: &&RoomReaction| reaction.emoji == emoji && reaction.by_customer == by_customer;
            if ours.iter().any(|reaction| is_same(&reaction)) {
                continue;
            }
            let reaction = self.begin(&message, &emoji, by_customer).await?;
            self.react(item, (&room, &event), speakers.of(&reaction), &reaction)
                .await?;
        }
        Ok(self.finish(item).await?)
    }

    /// Sends a reaction, unless that is done.
    async fn react(
        &self,
        item: &OutboxItem<MatrixWork>,
        (room, to): (&MatrixRoomId, &MatrixEventId),
        speaker: &Speaker,
        reaction: &RoomReaction,
    ) -> Result<MatrixEventId, Undone> {
        if let Some(event) = &reaction.event {
            return Ok(event.clone());
        }
        let content = RoomContent::Reaction {
            to: to.clone(),
            key: reaction.emoji.clone(),
        };
        let name = name_of(reaction);
        let event = match self.send(item, room, speaker, &name, &content).await {
            // The homeserver refuses the same reaction twice.
            Err(refused @ Undone::Port(MatrixError::Refused(_))) => {
                self.find_repeated(room, &name).await?.ok_or(refused)?
            }
            sent => sent?,
        };
        self.core
            .write((reaction.id, event.clone()), |tx, (id, event)| {
                async move { tx.rooms().set_reaction_event(*id, event).await }.boxed()
            })
            .await?;
        Ok(event)
    }

    async fn take_back(&self, room: &MatrixRoomId, event: &MatrixEventId, name: &str) -> Result<(), Undone> {
        let redacted = self.port.redact(room, event, &txn(&self.core.instance, name)).await;
        redacted.map_err(Undone::in_room(room))
    }

    /// Takes a reaction back, as the user who shows it.
    async fn unreact(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        event: &MatrixEventId,
        reaction: &RoomReaction,
    ) -> Result<(), Undone> {
        let name = format!("{}.gone", name_of(reaction));
        match (self.port.own_homeserver(), speaker) {
            (Some(own), Speaker::Customer { .. }) => {
                let name = txn(&self.core.instance, &name);
                let taken = own.take_back(room, speaker, event, &name).await;
                taken.map_err(Undone::in_room(room))
            }
            _ => self.take_back(room, event, &name).await,
        }
    }

    async fn begin(&self, message: &Message, emoji: &str, by_customer: bool) -> Result<RoomReaction, StoreError> {
        self.core
            .write(
                (message.id, emoji.to_owned(), by_customer),
                |tx, (message, emoji, by_customer)| {
                    async move {
                        Ok::<_, StoreError>(RoomReaction {
                            id: tx.rooms().begin_reaction(*message, emoji, *by_customer).await?,
                            message: *message,
                            emoji: emoji.clone(),
                            event: None,
                            sender: None,
                            by_customer: *by_customer,
                            created_at: tx.now(),
                        })
                    }
                    .boxed()
                },
            )
            .await
    }

    async fn forget(&self, id: i64) -> Result<(), StoreError> {
        self.core
            .write(id, |tx, &id| {
                async move { tx.rooms().remove_reaction(id).await }.boxed()
            })
            .await
    }
}

/// User who shows reactions.
struct Speakers {
    /// The customer, if they have a user of their own.
    customer: Option<Speaker>,
}

impl Speakers {
    /// Returns who shows a reaction.
    fn of(&self, reaction: &RoomReaction) -> &Speaker {
        match &self.customer {
            Some(customer) if reaction.by_customer => customer,
            _ => &Speaker::Desk,
        }
    }
}

/// Returns the emojis that our users show, and whether the customer's own does: those that nobody in the room has set.
fn wanted(message: &Message, standing: &[RoomReaction], has_ghost: bool) -> BTreeSet<(String, bool)> {
    let of_agents = |emoji: &str| {
        let mut agents = standing.iter().filter(|reaction| reaction.sender.is_some());
        agents.any(|reaction| reaction.emoji == emoji)
    };
    let shown = message.shown_reactions();
    let shown = shown.filter(|reaction| !(reaction.from_me && of_agents(&reaction.emoji)));
    let present = shown.filter(|_| message.deleted_at.is_none());
    let marked = present.map(|reaction| (reaction.emoji.clone(), has_ghost && !reaction.from_me));
    marked.take(MAX_SHOWN).collect()
}

/// Returns the new text of a message whose event cannot be edited.
fn anew(body: &str, reply_to: Option<MatrixEventId>) -> RoomContent {
    RoomContent::Text {
        body: format!("(edited) {body}"),
        reply_to,
        links: vec![],
    }
}

/// Returns the name of the transaction that sends a reaction.
fn name_of(reaction: &RoomReaction) -> String {
    of_message(reaction.message, &format!("r{}", reaction.id))
}
