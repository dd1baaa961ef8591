//! Room events that show parts of messages, with the tick on each; unique by (message, part) and by event.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, MatrixEventId, MessageId};

/// A row of `room_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "room_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Message that the event shows.
    pub message_id: MessageId,
    /// Number of the part, from 0.
    pub part: i32,
    /// Id of the event.
    #[sea_orm(unique)]
    pub event_id: MatrixEventId,
    /// Conversation of the room.
    pub conversation_id: ConversationId,
    /// Text of the tick; `None` without a tick.
    pub tick_key: Option<String>,
    /// Event of the tick; `None` while it is not sent.
    pub tick_event: Option<MatrixEventId>,
    /// Reaction that the tick replaces, until that is redacted.
    pub tick_previous: Option<MatrixEventId>,
    /// Number of the tick, from 0.
    pub tick_turn: Option<i64>,
    /// Whether the event shows the message's file; `None`: it shows none.
    #[serde(default)]
    pub has_file: Option<bool>,
    /// Whether it is in an earlier room of the conversation, which was replaced.
    #[serde(default)]
    pub is_gone: Option<bool>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
