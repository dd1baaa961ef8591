//! Room events that cannot be decrypted yet.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MatrixEventId, MatrixRoomId, MatrixUserId};

/// A row of `pending_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "pending_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub room_id: MatrixRoomId,
    #[sea_orm(unique)]
    pub event_id: MatrixEventId,
    pub sender: MatrixUserId,
    pub at: i64,
    pub first_seen: i64,
    pub told: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
