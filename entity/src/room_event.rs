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
    pub message_id: MessageId,
    pub part: i32,
    #[sea_orm(unique)]
    pub event_id: MatrixEventId,
    pub conversation_id: ConversationId,
    pub tick_key: Option<String>,
    pub tick_event: Option<MatrixEventId>,
    pub tick_previous: Option<MatrixEventId>,
    pub tick_turn: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
