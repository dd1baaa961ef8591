//! Which room shows which conversation, and which event shows which message.

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use entity::{conversation, room, room_event};

use crate::domain::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MessageId};

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

impl Tx {
    /// Conversations that have a room and go on, with their accounts, the last active first, at most `limit`.
    pub async fn conversations_with_rooms(
        &mut self,
        limit: u64,
    ) -> Result<Vec<(ConversationId, AccountId)>, StoreError> {
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
            .all(&self.session)
            .await?;
        Ok(rows)
    }
}

impl Store {
    pub async fn room_of(&self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        of_conversation(self.readers(), conversation).await
    }

    pub async fn conversation_of_room(&self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        of_room(self.readers(), room).await
    }

    /// Whether a conversation's room is being made: its alias is stored, the room is not.
    pub async fn is_making_a_room(&self) -> Result<bool, StoreError> {
        is_making_a_room(self.readers()).await
    }

    /// The event that shows a part of a message.
    pub async fn room_event(&self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        Ok(event(self.readers(), message, part).await?.map(|row| row.event_id))
    }

    /// The event that shows a message, and the conversation whose room it is in.
    pub async fn shown_in(&self, message: MessageId) -> Result<Option<(MatrixEventId, ConversationId)>, StoreError> {
        let row = event(self.readers(), message, FIRST_PART).await?;
        Ok(row.map(|row| (row.event_id, row.conversation_id)))
    }

    pub async fn message_of_event(&self, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
        shown_as(self.readers(), event).await
    }

    /// The tick that a message has now.
    pub async fn tick(&self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        tick(self.readers(), message).await
    }
}

impl Tx {
    /// The conversation's room, or a place for one under the alias `candidate`: the alias that is stored wins.
    pub async fn reserve_room(&mut self, conversation: ConversationId, candidate: &str) -> Result<RoomOf, StoreError> {
        if let Some(room) = self.room_of(conversation).await? {
            return Ok(room);
        }
        let row = room::ActiveModel {
            id: NotSet,
            conversation_id: Set(conversation),
            alias: Set(candidate.to_owned()),
            room_id: Set(None),
            created_at: Set(self.now.0),
            updated_at: Set(self.now.0),
        };
        room::Entity::insert(row).exec(&self.session).await?;
        Ok(RoomOf {
            conversation,
            alias: candidate.to_owned(),
            room: None,
        })
    }

    /// Notes the room that was made for a conversation; its place has to be reserved.
    pub async fn set_room(&mut self, conversation: ConversationId, room: &MatrixRoomId) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            room_id: Set(Some(room.clone())),
            updated_at: Set(self.now.0),
            ..room::ActiveModel::default()
        };
        let updated = room::Entity::update_many()
            .set(change)
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.session)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::Missing { what: "reserved room" });
        }
        Ok(())
    }

    /// Forgets a conversation's room and its alias: the next one is another. What it showed stays known.
    pub async fn drop_room(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        room::Entity::delete_many()
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.session)
            .await?;
        Ok(())
    }

    /// Gives the room of a conversation, with all that it shows, to another that has none. Tells whether it did.
    pub(super) async fn hand_over_room(
        &mut self,
        from: ConversationId,
        to: ConversationId,
    ) -> Result<bool, StoreError> {
        if self.room_of(from).await?.is_none() || self.room_of(to).await?.is_some() {
            return Ok(false);
        }
        room::Entity::update_many()
            .col_expr(room::Column::ConversationId, Expr::value(to))
            .filter(room::Column::ConversationId.eq(from))
            .exec(&self.session)
            .await?;
        room_event::Entity::update_many()
            .col_expr(room_event::Column::ConversationId, Expr::value(to))
            .filter(room_event::Column::ConversationId.eq(from))
            .exec(&self.session)
            .await?;
        Ok(true)
    }

    pub async fn room_of(&mut self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        of_conversation(&self.session, conversation).await
    }

    pub async fn conversation_of_room(&mut self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        of_room(&self.session, room).await
    }

    /// As [`Store::is_making_a_room`].
    pub async fn is_making_a_room(&mut self) -> Result<bool, StoreError> {
        is_making_a_room(&self.session).await
    }

    /// Notes which event shows a part of a message. The same again changes nothing; another event for the same part is
    /// refused as a [`StoreError::Conflict`].
    pub async fn add_room_event(
        &mut self,
        message: MessageId,
        part: i32,
        event_id: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        if let Some(row) = event(&self.session, message, part).await?
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
            created_at: Set(self.now.0),
        };
        room_event::Entity::insert(row).exec(&self.session).await?;
        Ok(())
    }

    pub async fn room_event(&mut self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        Ok(event(&self.session, message, part).await?.map(|row| row.event_id))
    }

    pub async fn message_of_event(&mut self, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
        shown_as(&self.session, event).await
    }

    pub async fn is_known_event(&mut self, event: &MatrixEventId) -> Result<bool, StoreError> {
        Ok(self.message_of_event(event).await?.is_some())
    }

    pub async fn tick(&mut self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        tick(&self.session, message).await
    }

    /// Notes the tick that a message has now, or that it has none. The message has to be known in its room.
    pub async fn set_tick(&mut self, message: MessageId, tick: Option<&Tick>) -> Result<(), StoreError> {
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
            .exec(&self.session)
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

async fn is_making_a_room(database: &impl ConnectionTrait) -> Result<bool, StoreError> {
    let row = room::Entity::find()
        .filter(room::Column::RoomId.is_null())
        .one(database)
        .await?;
    Ok(row.is_some())
}

async fn of_room(database: &impl ConnectionTrait, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
    let row = room::Entity::find()
        .filter(room::Column::RoomId.eq(room.as_str()))
        .one(database)
        .await?;
    Ok(row.map(|row| row.conversation_id))
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

async fn shown_as(database: &impl ConnectionTrait, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
    let row = room_event::Entity::find()
        .filter(room_event::Column::EventId.eq(event.as_str()))
        .one(database)
        .await?;
    Ok(row.map(|row| ShownAs {
        message: row.message_id,
        conversation: row.conversation_id,
        part: row.part,
    }))
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
