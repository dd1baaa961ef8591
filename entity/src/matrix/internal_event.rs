//! Room events that stay inside: notes, commands, and what the bot says itself. Unique by event.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixEventId, MatrixRoomId, MessageId, NoteId};

/// A row of `internal_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "internal_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Room of the event.
    pub room_id: MatrixRoomId,
    /// Id of the event.
    #[sea_orm(unique)]
    pub event_id: MatrixEventId,
    /// Meaning of the event: a word of `InternalKind`.
    pub kind: String,
    /// Note that the event wrote, or shows.
    pub note_id: Option<NoteId>,
    /// Message that the notice is about, that the command made, or that was changed.
    pub message_id: Option<MessageId>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
