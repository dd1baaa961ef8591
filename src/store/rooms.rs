//! Which room shows which conversation, and which event shows which message.

use crate::domain::{ConversationId, MatrixEventId, MatrixRoomId, MessageId};

use super::{Store, StoreError, Tx};

/// A conversation's room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomOf {
    pub conversation: ConversationId,
    /// The random local part of its alias (`RULES` 19).
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

/// The bot's reaction on an agent's message (`RULES` 20).
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

impl Store {
    pub async fn room_of(&self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        todo!()
    }

    pub async fn conversation_of_room(&self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        todo!()
    }

    /// The event that shows a part of a message.
    pub async fn room_event(&self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        todo!()
    }

    pub async fn message_of_event(&self, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
        todo!()
    }

    /// The tick that a message has now.
    pub async fn tick(&self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        todo!()
    }
}

impl Tx {
    /// The conversation's room, or a place for one under the alias `candidate`: the alias that is stored wins.
    pub async fn reserve_room(&mut self, conversation: ConversationId, candidate: &str) -> Result<RoomOf, StoreError> {
        todo!()
    }

    /// Notes the room that was made for a conversation.
    pub async fn set_room(&mut self, conversation: ConversationId, room: &MatrixRoomId) -> Result<(), StoreError> {
        todo!()
    }

    /// Forgets a conversation's room and its alias: the next one is another. What it showed stays known.
    pub async fn drop_room(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn room_of(&mut self, conversation: ConversationId) -> Result<Option<RoomOf>, StoreError> {
        todo!()
    }

    pub async fn conversation_of_room(&mut self, room: &MatrixRoomId) -> Result<Option<ConversationId>, StoreError> {
        todo!()
    }

    /// Notes which event shows a part of a message. The same again changes nothing; another event for the same part is
    /// refused as a [`StoreError::Conflict`].
    pub async fn add_room_event(
        &mut self,
        message: MessageId,
        part: i32,
        event: &MatrixEventId,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn room_event(&mut self, message: MessageId, part: i32) -> Result<Option<MatrixEventId>, StoreError> {
        todo!()
    }

    pub async fn message_of_event(&mut self, event: &MatrixEventId) -> Result<Option<ShownAs>, StoreError> {
        todo!()
    }

    pub async fn is_known_event(&mut self, event: &MatrixEventId) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn tick(&mut self, message: MessageId) -> Result<Option<Tick>, StoreError> {
        todo!()
    }

    /// Notes the tick that a message has now, or that it has none.
    pub async fn set_tick(&mut self, message: MessageId, tick: Option<&Tick>) -> Result<(), StoreError> {
        todo!()
    }
}
