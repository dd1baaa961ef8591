//! Rooms: which room shows which conversation, and which event shows which message.

mod avatars;
mod cards;
pub mod internal;
mod keepers;
pub mod pending;
pub mod places;
mod questions;
mod reactions;
mod reads;
mod taken;

use entity::{conversation, room, room_event};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, Func, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{AccountId, ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};
use crate::store::facet::{Database, Rooms};

use super::{Store, StoreError, Tx};

pub use reactions::RoomReaction;
pub use reads::Receipts;

/// Part of a message whose event bears the tick.
const FIRST_PART: i32 = 0;

/// The room of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomOf {
    /// The conversation.
    pub conversation: ConversationId,
    /// Random local part of the room's alias (rule 19).
    pub alias: String,
    /// Id of the room; `None` until it is created.
    pub room: Option<MatrixRoomId>,
    /// Matrix user that makes or made the room; `None` in rooms from before this was stored.
    pub creator: Option<MatrixUserId>,
    /// Login that keeps the room; `None` until it is created, and in rooms from before this was stored.
    pub keeper: Option<MatrixUserId>,
    /// Event from which on the room is its keeper's. `None` once both logins have read up to it.
    pub fence: Option<Fenced>,
    /// Room that replaces it, until the login before has read it to its end: the fence is its tombstone.
    pub next: Option<MatrixRoomId>,
}

/// The event from which on a room is its keeper's, and which of the logins have read up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The event.
    pub event: MatrixEventId,
    /// Whether the keeper has.
    pub keeper_read: bool,
    /// Whether the login before has.
    pub other_read: bool,
}

impl From<room::Model> for RoomOf {
    fn from(row: room::Model) -> Self {
        Self {
            conversation: row.conversation_id,
            alias: row.alias,
            room: row.room_id,
            creator: row.creator,
            keeper: row.keeper,
            fence: row.fence.map(|event| Fenced {
                event,
                keeper_read: row.keeper_read == Some(true),
                other_read: row.other_read == Some(true),
            }),
            next: row.next_room,
        }
    }
}

/// The message that an event of a room shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAs {
    /// The message.
    pub message: MessageId,
    /// Conversation of the room.
    pub conversation: ConversationId,
    /// Number of the part that the event shows; the first is 0.
    pub part: i32,
}

/// The bot's reaction to an agent's message (rule 20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Text of the reaction.
    pub key: String,
    /// Id of the reaction's event; `None` while it is stored but not sent.
    pub event: Option<MatrixEventId>,
    /// Reaction that this one replaces, until that is redacted.
    pub previous: Option<MatrixEventId>,
    /// Number of the tick, from 0; part of the transaction id.
    pub turn: i64,
}

impl Rooms<'_, Tx> {
    /// Returns live conversations that have a room, with their accounts, last active first, at most `limit`.
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
    /// Returns the room of a conversation, or the reservation for one.
    pub async fn of_conversation(&self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        of_conversation(self.0.connection(), conversation).await
    }

    /// Returns the conversation that a room shows.
    pub async fn conversation(&self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(|row| row.conversation_id))
    }

    /// Returns whether a room is being created for any conversation, as its first or its next: its alias is stored, its id
    /// is not.
    pub async fn is_making_one(&self) -> Result<bool, StoreError> {
        // Two statements, each with an index of its own: a database that is asked for either scans the table.
        for is_made in [room::Column::RoomId.is_null(), room::Column::NextRoom.is_not_null()] {
            let row = room::Entity::find().filter(is_made).one(self.0.connection()).await?;
            if row.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the event that shows a part of a message.
    pub async fn event(&self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        Ok(event(self.0.connection(), message, part).await?.map(|row| row.event_id))
    }

    /// Returns the message that an event shows.
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

    /// Returns the events that show a message, with their parts.
    pub async fn events(&self, message: MessageId) -> Result<Vec<(i32, MatrixEventId)>, StoreError> {
        let rows = room_event::Entity::find()
            .filter(room_event::Column::MessageId.eq(message))
            .order_by_asc(room_event::Column::Part)
            .all(self.0.connection())
            .await?;
        Ok(rows.into_iter().map(|row| (row.part, row.event_id)).collect())
    }

    /// Returns whether a room shows the message, and not yet its file.
    pub async fn lacks_file(&self, message: MessageId) -> Result<bool, StoreError> {
        let rows = room_event::Entity::find()
            .filter(room_event::Column::MessageId.eq(message))
            .all(self.0.connection())
            .await?;
        Ok(!rows.is_empty() && rows.iter().all(|row| row.has_file != Some(true)))
    }

    /// Returns whether a room shows the message that is still there.
    pub async fn is_shown(&self, message: MessageId) -> Result<bool, StoreError> {
        let row = event(self.0.connection(), message, FIRST_PART).await?;
        Ok(row.is_some_and(|row| row.is_gone != Some(true)))
    }

    /// Returns the present tick of a message.
    pub async fn tick(&self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        tick(self.0.connection(), message).await
    }
}

impl Rooms<'_, Store> {
    /// Returns the event that shows the first part of a message, and the conversation of its room. Not one in a room that
    /// was replaced.
    pub async fn shown_in(&self, message: MessageId) -> Result<Option<(MatrixEventId, ConversationId)>, StoreError> {
        let row = event(self.0.readers(), message, FIRST_PART).await?;
        let row = row.filter(|row| row.is_gone != Some(true));
        Ok(row.map(|row| (row.event_id, row.conversation_id)))
    }
}

impl Rooms<'_, Tx> {
    /// Returns the conversation's room. If it has none, reserves one under the alias `candidate`, to be made by
    /// `creator`; an alias that is stored is kept.
    pub async fn reserve(
        &self,
        conversation: ConversationId,
        candidate: &str,
        creator: Option<&MatrixUserId>,
    ) -> Result<RoomOf, StoreError> {
        if let Some(room) = self.of_conversation(conversation).await? {
            return Ok(room);
        }
        let row = room::ActiveModel {
            id: NotSet,
            conversation_id: Set(conversation),
            alias: Set(candidate.to_owned()),
            room_id: Set(None),
            creator: Set(creator.cloned()),
            keeper: Set(None),
            moved_at: Set(None),
            fence: Set(None),
            keeper_read: Set(None),
            other_read: Set(None),
            next_room: Set(None),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
            avatar: Set(None),
        };
        room::Entity::insert(row).exec(&self.0.session).await?;
        Ok(RoomOf {
            conversation,
            alias: candidate.to_owned(),
            room: None,
            creator: creator.cloned(),
            keeper: None,
            fence: None,
            next: None,
        })
    }

    /// Stores the room that was created for a conversation; its creator keeps it. Fails with [`StoreError::Missing`] if
    /// none was reserved.
    pub async fn set(&self, conversation: ConversationId, room: &MatrixRoomId) -> Result<(), StoreError> {
        let change = room::ActiveModel {
            room_id: Set(Some(room.clone())),
            updated_at: Set(self.0.now.0),
            ..room::ActiveModel::default()
        };
        let updated = room::Entity::update_many()
            .set(change)
            .col_expr(
                room::Column::Keeper,
                Func::coalesce([Expr::col(room::Column::Keeper), Expr::col(room::Column::Creator)]).into(),
            )
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::Missing { what: "reserved room" });
        }
        Ok(())
    }

    /// Deletes a conversation's room and alias; the next room gets another alias. The events that it showed stay
    /// stored, as gone: nothing in the next room can be about them.
    pub async fn forget(&self, conversation: ConversationId) -> Result<(), StoreError> {
        self.set_gone(conversation).await?;
        room::Entity::delete_many()
            .filter(room::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Notes that the room is gone whose events show messages of a conversation.
    pub(super) async fn set_gone(&self, conversation: ConversationId) -> Result<(), StoreError> {
        room_event::Entity::update_many()
            .col_expr(room_event::Column::IsGone, Expr::value(true))
            .filter(room_event::Column::ConversationId.eq(conversation))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Gives the room of a conversation, with its events, to another conversation that has none. Returns whether it
    /// did.
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

    /// Stores which event shows a part of a message, in place of one whose room is gone. Does nothing for the same event;
    /// fails with [`StoreError::Conflict`] for another event of the same part.
    pub async fn add_event(
        &self,
        message: MessageId,
        part: i32,
        event_id: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        self.put_event(message, (part, false), event_id, conversation).await
    }

    /// As [`Self::add_event`], for an event that shows the message's file.
    pub async fn add_file(
        &self,
        message: MessageId,
        part: i32,
        event_id: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        self.put_event(message, (part, true), event_id, conversation).await
    }

    async fn put_event(
        &self,
        message: MessageId,
        (part, has_file): (i32, bool),
        event_id: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        match event(&self.0.session, message, part).await? {
            Some(row) if row.event_id == *event_id => return Ok(()),
            Some(row) if row.is_gone == Some(true) => self.forget_gone(message).await?,
            _ => {}
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
            has_file: Set(has_file.then_some(true)),
            is_gone: Set(None),
            created_at: Set(self.0.now.0),
        };
        room_event::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    /// Forgets what showed a message in a room that is gone: its events, and our own reactions to it there. Neither can be
    /// changed from the next room.
    async fn forget_gone(&self, message: MessageId) -> Result<(), StoreError> {
        room_event::Entity::delete_many()
            .filter(room_event::Column::MessageId.eq(message))
            .filter(room_event::Column::IsGone.eq(true))
            .exec(&self.0.session)
            .await?;
        self.forget_our_reactions(message).await
    }

    /// Returns whether an event shows a message.
    pub async fn is_known_event(&self, event: &MatrixEventId) -> Result<bool, StoreError> {
        Ok(self.message_of_event(event).await?.is_some())
    }

    /// Stores the present tick of a message, or that it has none. Fails with [`StoreError::Missing`] if no event shows
    /// the message.
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
    Ok(row.map(RoomOf::from))
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
