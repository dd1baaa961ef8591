//! Places of rooms: the sub-space that each was last put into. Unique by room.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixRoomId, OutboxId};

/// A row of `room_places`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "room_places")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The room.
    #[sea_orm(unique)]
    pub room_id: MatrixRoomId,
    /// Sub-space that it is in, or is being put into; `None`: none.
    pub space_id: Option<MatrixRoomId>,
    /// Sub-space that it is being taken out of.
    pub previous_id: Option<MatrixRoomId>,
    /// Whether the homeserver has it so.
    pub is_done: bool,
    /// Outbox row that puts it where it belongs.
    pub work_id: Option<OutboxId>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
