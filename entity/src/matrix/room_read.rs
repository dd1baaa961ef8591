//! How far agents have read in rooms. Unique by room and agent.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixRoomId, MatrixUserId, MessageId};

/// A row of `room_reads`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "room_reads")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub room_id: MatrixRoomId,
    /// The agent.
    pub user_id: MatrixUserId,
    /// Newest message that they have seen.
    pub seen: MessageId,
    /// Time at which they saw it.
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
