//! Reactions in rooms to messages: those of agents, and those that the bot shows for people outside.

use entity::room_reaction;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::{MatrixEventId, MatrixUserId, MessageId, Timestamp};
use crate::store::facet::{Database, Rooms};
use crate::store::{StoreError, Tx};

/// A reaction in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomReaction {
    /// Id of the row; part of the transaction id of what the bot sends.
    pub id: i64,
    /// Message that it reacts to.
    pub message: MessageId,
    /// The emoji.
    pub emoji: String,
    /// Its event; `None` while it is stored and not sent.
    pub event: Option<MatrixEventId>,
    /// Agent who reacted; `None`: one of our users shows it.
    pub sender: Option<MatrixUserId>,
    /// Whether the customer's own user shows it.
    pub by_customer: bool,
    /// Time at which it was stored.
    pub created_at: Timestamp,
}

impl<D: Database> Rooms<'_, D> {
    /// Returns the reactions in the room to a message, the oldest first.
    pub async fn reactions(&self, message: MessageId) -> Result<Vec<RoomReaction>, StoreError> {
        let rows = room_reaction::Entity::find()
            .filter(room_reaction::Column::MessageId.eq(message))
            .order_by_asc(room_reaction::Column::Id)
            .all(self.0.connection())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Returns the reaction that an event is.
    pub async fn reaction(&self, event: &MatrixEventId) -> Result<Option<RoomReaction>, StoreError> {
        let row = room_reaction::Entity::find()
            .filter(room_reaction::Column::EventId.eq(event.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(read))
    }
}

impl Rooms<'_, Tx> {
    /// Stores an agent's reaction.
    pub async fn add_reaction(
        &self,
        message: MessageId,
        emoji: &str,
        (event, sender): (&MatrixEventId, &MatrixUserId),
    ) -> Result<(), StoreError> {
        self.put_reaction(message, emoji, Some((event, sender)), None)
            .await
            .map(|_| ())
    }

    /// Stores a reaction that one of our users is about to show: the customer's own, or the bot. Returns the row's id.
    pub async fn begin_reaction(&self, message: MessageId, emoji: &str, by_customer: bool) -> Result<i64, StoreError> {
        self.put_reaction(message, emoji, None, by_customer.then_some(true))
            .await
    }

    async fn put_reaction(
        &self,
        message: MessageId,
        emoji: &str,
        agent: Option<(&MatrixEventId, &MatrixUserId)>,
        by_customer: Option<bool>,
    ) -> Result<i64, StoreError> {
        let row = room_reaction::ActiveModel {
            id: NotSet,
            message_id: Set(message),
            emoji: Set(emoji.to_owned()),
            event_id: Set(agent.map(|(event, _)| event.clone())),
            sender: Set(agent.map(|(_, sender)| sender.clone())),
            created_at: Set(self.0.now.0),
            by_customer: Set(by_customer),
        };
        let inserted = room_reaction::Entity::insert(row).exec(&self.0.session).await?;
        Ok(inserted.last_insert_id)
    }

    /// Stores the event of a reaction that the bot has sent.
    pub async fn set_reaction_event(&self, id: i64, event: &MatrixEventId) -> Result<(), StoreError> {
        room_reaction::Entity::update_many()
            .col_expr(room_reaction::Column::EventId, Expr::value(event.as_str()))
            .filter(room_reaction::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Forgets the reactions to a message that our users show.
    pub(super) async fn forget_our_reactions(&self, message: MessageId) -> Result<(), StoreError> {
        room_reaction::Entity::delete_many()
            .filter(room_reaction::Column::MessageId.eq(message))
            .filter(room_reaction::Column::Sender.is_null())
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes a reaction.
    pub async fn remove_reaction(&self, id: i64) -> Result<(), StoreError> {
        room_reaction::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }
}

fn read(row: room_reaction::Model) -> RoomReaction {
    RoomReaction {
        id: row.id,
        message: row.message_id,
        emoji: row.emoji,
        event: row.event_id,
        sender: row.sender,
        by_customer: row.by_customer.unwrap_or_default(),
        created_at: Timestamp(row.created_at),
    }
}
