//! Brings a card up to date. What it is about to say is stored before it is sent, so that a crash between the two makes no
//! second card and leaves no old one.

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::domain::MatrixRoomId;
use crate::domain::card::{Card, ON_CARD};
use crate::domain::conversation::Conversation;
use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::matrix::{MatrixError, RoomContent, Speaker};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{MatrixEventId, OutboxId};
use crate::store::{NewWork, StoreError, Tx};

use super::content;

impl RoomRelay {
    /// Brings the card of a room up to date, or waits until it may change again.
    pub(in crate::bridge::rooms) async fn show_card(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
    ) -> Result<(), Undone> {
        let input = (item.id, room.clone());
        let begun = self.core.write_with(input, |tx, core, (item, room)| {
            async move { begin(tx, core, *item, room).await }.boxed()
        });
        let Some((card, body)) = begun.await? else {
            return Ok(());
        };
        let content = RoomContent::Card {
            body,
            of: card.event.clone(),
        };
        let name = format!("card{}.{}", card.id, card.turn);
        let event = match &card.event {
            // Not `send`: what an old instance has sent may say something else.
            Some(event) => {
                let edited = self.send_new(item, room, &Speaker::Desk, &name, &content).await;
                if matches!(edited, Err(Undone::Port(MatrixError::Refused(_)))) && self.is_lost(room, event).await? {
                    return Ok(self.lose_card(item, room, event).await?);
                }
                edited?;
                event.clone()
            }
            None => self.send(item, room, &Speaker::Desk, &name, &content).await?,
        };
        self.core
            .write_with((item.clone(), card, event), |tx, core, (item, card, event)| {
                async move { end(tx, core, item, card, event).await }.boxed()
            })
            .await?;
        Ok(())
    }

    /// Forgets a card that the homeserver has lost: another takes its place.
    async fn lose_card(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        event: &MatrixEventId,
    ) -> Result<(), StoreError> {
        let input = (item.id, room.clone(), event.clone());
        self.core
            .write(input, |tx, (item, room, event)| {
                async move {
                    tx.outbox().finish(*item).await?;
                    tx.cards().lose(event).await?;
                    if let Some(conversation) = conversation(tx, room).await? {
                        tx.cards().ask(conversation.account_id, conversation.id).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await?;
        tracing::warn!(%room, "the homeserver has lost the room's card; it is made again");
        Ok(())
    }

    /// Pins an event in its room.
    pub(in crate::bridge::rooms) async fn pin(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        event: &MatrixEventId,
    ) -> Result<(), Undone> {
        self.port.pin(room, event).await.map_err(Undone::in_room(room))?;
        Ok(self.finish(item).await?)
    }
}

/// Stores what the card is about to say. Returns it with its content, or `None` if there is nothing to do now.
async fn begin(
    tx: &mut Tx,
    core: &Core,
    item: OutboxId,
    room: &MatrixRoomId,
) -> Result<Option<(Card, String)>, StoreError> {
    let (Some(mut card), Some(conversation)) = (tx.cards().of_room(room).await?, conversation(tx, room).await?) else {
        tx.outbox().finish(item).await?;
        return Ok(None);
    };
    let at = card.next_at(tx.now());
    if card.is_shown && at > tx.now() {
        tx.outbox()
            .retry(item, at, "a card changes once a minute", false)
            .await?;
        return Ok(None);
    }
    let content = content::of(tx, core, &conversation).await?;
    let hash = Card::hash_of(&content);
    match (card.is_shown, hash == card.hash) {
        (true, true) => {
            tx.cards().rest(card.id).await?;
            tx.outbox().finish(item).await?;
            return Ok(None);
        }
        // A crash came before it was known that it is shown.
        (false, true) => return Ok(Some((card, content))),
        // The room may show the first content or this one, under one transaction id; the next change says which.
        (false, false) if card.event.is_none() => card.hash = String::new(),
        (_, false) => {
            card.hash = hash;
            card.turn += 1;
        }
    }
    tx.cards().begin(&card).await?;
    Ok(Some((card, content)))
}

/// Stores that the room shows the card; with the first, its reactions and its pin follow.
async fn end(
    tx: &mut Tx,
    core: &Core,
    item: &OutboxItem<MatrixWork>,
    begun: &Card,
    event: &MatrixEventId,
) -> Result<(), StoreError> {
    tx.outbox().finish(item.id).await?;
    let Some(card) = tx.cards().of_room(&begun.room).await? else {
        return Ok(());
    };
    tx.cards().rest(card.id).await?;
    // Else somebody has removed it meanwhile.
    if (card.turn, &card.event, card.is_shown) == (begun.turn, &begun.event, false) {
        tx.cards().shown(card.id, event).await?;
        if begun.event.is_none() {
            present(tx, item, &begun.room, event).await?;
        }
    }
    let Some(conversation) = conversation(tx, &begun.room).await? else {
        return Ok(());
    };
    if Card::hash_of(&content::of(tx, core, &conversation).await?) != begun.hash {
        tx.cards().ask(conversation.account_id, conversation.id).await?;
    }
    Ok(())
}

/// Makes a new card one that stays inside, with the reactions that are commands, so that one tap gives each, and pinned.
async fn present(
    tx: &mut Tx,
    item: &OutboxItem<MatrixWork>,
    room: &MatrixRoomId,
    event: &MatrixEventId,
) -> Result<(), StoreError> {
    let inside = InternalEvent {
        room: room.clone(),
        event: event.clone(),
        kind: InternalKind::Card,
        note: None,
        message: None,
    };
    tx.internal_events().add(&inside).await?;
    let marks = ON_CARD.map(|(key, ..)| MatrixWork::Mark {
        room: room.clone(),
        event: event.clone(),
        key: key.to_owned(),
    });
    let pin = MatrixWork::Pin {
        room: room.clone(),
        event: event.clone(),
    };
    for work in marks.into_iter().chain([pin]) {
        tx.outbox().enqueue(NewWork::for_account(item.account_id, work)).await?;
    }
    Ok(())
}

async fn conversation(tx: &mut Tx, room: &MatrixRoomId) -> Result<Option<Conversation>, StoreError> {
    match tx.rooms().conversation(room).await? {
        Some(id) => tx.conversations().get(id).await,
        None => Ok(None),
    }
}
