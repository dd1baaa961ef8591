//! Cards of rooms. Unique by room, and by event.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixEventId, MatrixRoomId, OutboxId};

/// A row of `cards`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "cards")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Room of the card.
    #[sea_orm(unique)]
    pub room_id: MatrixRoomId,
    /// Event that is the card; `None` before the first, and after it was removed.
    #[sea_orm(unique)]
    pub event_id: Option<MatrixEventId>,
    /// Hash of what it says, or is about to say.
    pub hash: String,
    /// Number of this content, from 1.
    pub turn: i64,
    /// Whether the room shows this content.
    pub is_shown: bool,
    /// Time at which it last showed another content.
    pub shown_at: Option<i64>,
    /// Outbox row that brings it up to date.
    pub work_id: Option<OutboxId>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
