//! Which room shows which conversation, and which event shows which message.

pub mod pending;

use entity::{conversation, room, room_event};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MessageId};
use crate::store::facet::{Database, Rooms};

use super::{Store, StoreError, Tx};

/// The part of a message whose event bears the tick.
const FIRST_PART: i32 = 0;

/// A conversation's room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomOf {
    pub conversation: ConversationId,
    /// The random local part of its alias (rule 19).
    pub alias: String,
    /// None until it is made.
    pub room: Option<MatrixRoomId>,
}

/// What an event of a room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAs {
    pub message: MessageId,
    pub conversation: ConversationId,
    pub part: i32,
}

/// The bot's reaction on an agent's message (rule 20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What it says.
    pub key: String,
    /// Its event; none while it has been written down and not yet said.
    pub event: Option<MatrixEventId>,
    /// The reaction that it takes the place of, until that is taken back.
    pub previous: Option<MatrixEventId>,
    /// The first is 0; part of the transaction id.
    pub turn: i64,
}

impl Rooms<'_, Tx> {
    /// Conversations that have a room and go on, with their accounts, the last active first, at most `limit`.
    pub async fn with_conversations(&self, limit: u64) -> Result<Vec<(ConversationId, AccountId)>, StoreError> {
        let with_room = Query::select()
            .column(room::Column::ConversationId)
            .from(room::Entity)
            .and_where(room::Column::RoomId.is_not_null())
            .take();
        let rows = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .column(conversation::Column::AccountId)
            .filter(conversation::Column::MergedInto.is_null())
            .filter(conversation::Column::Id.in_subquery(with_room))
            .order_by_desc(conversation::Column::ActiveAt)
            .order_by_desc(conversation::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(rows)
    }
}

impl<D: Database> Rooms<'_, D> {
    pub async fn of_conversation(&self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        of_conversation(self.0.connection(), conversation).await
    }

    pub async fn conversation(&self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(|row| row.conversation_id))
    }

    /// Whether a conversation's room is being made: its alias is stored, the room is not.
    pub async fn is_making_one(&self) -> Result<bool, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::RoomId.is_null())
            .one(self.0.connection())
            .await?;
        Ok(row.is_some())
    }

    /// The event that shows a part of a message.
    pub async fn event(&self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        Ok(event(self.0.connection(), message, part).await?.map(|row| row.event_id))
    }

    pub async fn message_of_event(&self, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
        let row = room_event::Entity::find()
            .filter(room_event::Column::EventId.eq(event.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(|row| ShownAs {
            message: row.message_id,
            conversation: row.conversation_id,
            part: row.part,
        }))
    }

    /// The tick that a message has now.
    pub async fn tick(&self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        tick(self.0.connection(), message).await
    }
}

impl Rooms<'_, Store> {
    /// The event that shows a message, and the conversation whose room it is in.
    pub async fn shown_in(&self, message: MessageId) -> Result<Option<(MatrixEventId, ConversationId)>, StoreError> {
        let row = event(self.0.readers(), message, FIRST_PART).await?;
        Ok(row.map(|row| (row.event_id, row.conversation_id)))
    }
}

impl Rooms<'_, Tx> {
    /// The conversation's room, or a place for one under the alias `candidate`: the alias that is stored wins.
    pub async fn reserve(&self, conversation: ConversationId, candidate: &str) -> Result<RoomOf, StoreError> {
        if let Some(room) = self.of_conversation(conversation).await? {
            return Ok(room);
        }
        let row = room::ActiveModel {
            id: NotSet,
            conversation_id: Set(conversation),
            alias: Set(candidate.to_owned()),
            room_id: Set(None),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
        };
        room::Entity::insert(row).exec(&self.0.session).await?;
        Ok(RoomOf {
            conversation,
            alias: candidate.to_owned(),
            room: None,
        })
    }

    /// Notes the room that was made for a conversation; its place has to be reserved.
    pub async fn set(&self, conversation: ConversationId, room: &MatrixRoomId) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            room_id: Set(Some(room.clone())),
            updated_at: Set(self.0.now.0),
            ..room::ActiveModel::default()
        };
        let updated = room::Entity::update_many()
            .set(change)
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::Missing { what: "reserved room" });
        }
        Ok(())
    }

    /// Forgets a conversation's room and its alias: the next one is another. What it showed stays known.
    pub async fn forget(&self, conversation: ConversationId) -> Result<(), StoreError> {
        room::Entity::delete_many()
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Gives the room of a conversation, with all that it shows, to another that has none. Tells whether it did.
    pub(super) async fn hand_over(&self, from: ConversationId, to: ConversationId) -> Result<bool, StoreError> {
        if self.of_conversation(from).await?.is_none() || self.of_conversation(to).await?.is_some() {
            return Ok(false);
        }
        room::Entity::update_many()
            .col_expr(room::Column::ConversationId, Expr::value(to))
            .filter(room::Column::ConversationId.eq(from))
            .exec(&self.0.session)
            .await?;
        room_event::Entity::update_many()
            .col_expr(room_event::Column::ConversationId, Expr::value(to))
            .filter(room_event::Column::ConversationId.eq(from))
            .exec(&self.0.session)
            .await?;
        Ok(true)
    }

    /// Notes which event shows a part of a message. The same again changes nothing; another event for the same part is
    /// refused as a [`StoreError::Conflict`].
    pub async fn add_event(
        &self,
        message: MessageId,
        part: i32,
        event_id: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        if let Some(row) = event(&self.0.session, message, part).await?
            && row.event_id == *event_id
        {
            return Ok(());
        }
        let row = room_event::ActiveModel {
            id: NotSet,
            message_id: Set(message),
            part: Set(part),
            event_id: Set(event_id.clone()),
            conversation_id: Set(conversation),
            tick_key: Set(None),
            tick_event: Set(None),
            tick_previous: Set(None),
            tick_turn: Set(None),
            created_at: Set(self.0.now.0),
        };
        room_event::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    pub async fn is_known_event(&self, event: &MatrixEventId) -> Result<bool, StoreError> {
        Ok(self.message_of_event(event).await?.is_some())
    }

    /// Notes the tick that a message has now, or that it has none. The message has to be known in its room.
    pub async fn set_tick(&self, message: MessageId, tick: Option<&Tick>) -> Result<(), StoreError> {
        let change = room_event::ActiveModel {
            tick_key: Set(tick.map(|tick| tick.key.clone())),
            tick_event: Set(tick.and_then(|tick| tick.event.clone())),
            tick_previous: Set(tick.and_then(|tick| tick.previous.clone())),
            tick_turn: Set(tick.map(|tick| tick.turn)),
            ..room_event::ActiveModel::default()
        };
        let updated = room_event::Entity::update_many()
            .set(change)
            .filter(room_event::Column::MessageId.eq(message))
            .filter(room_event::Column::Part.eq(FIRST_PART))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::Missing {
                what: "event of this message",
            });
        }
        Ok(())
    }
}

async fn of_conversation(
    database: &impl ConnectionTrait,
    conversation: ConversationId,
) -> Result<Option<RoomOf>, StoreError> {
    let row = room::Entity::find()
        .filter(room::Column::ConversationId.eq(conversation))
        .one(database)
        .await?;
    Ok(row.map(|row| RoomOf {
        conversation: row.conversation_id,
        alias: row.alias,
        room: row.room_id,
    }))
}

async fn event(
    database: &impl ConnectionTrait,
    message: MessageId,
    part: i32,
) -> Result<Option<room_event::Model>, StoreError> {
    let row = room_event::Entity::find()
        .filter(room_event::Column::MessageId.eq(message))
        .filter(room_event::Column::Part.eq(part))
        .one(database)
        .await?;
    Ok(row)
}

async fn tick(database: &impl ConnectionTrait, message: MessageId) -> Result<Option<Tick>, StoreError> {
    let Some(row) = event(database, message, FIRST_PART).await? else {
        return Ok(None);
    };
    Ok(row.tick_key.map(|key| Tick {
        key,
        event: row.tick_event,
        previous: row.tick_previous,
        turn: row.tick_turn.unwrap_or(0),
    }))
}
