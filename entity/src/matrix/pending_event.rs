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
    /// Room of the event.
    pub room_id: MatrixRoomId,
    /// Id of the event.
    #[sea_orm(unique)]
    pub event_id: MatrixEventId,
    /// Sender of the event.
    pub sender: MatrixUserId,
    /// Time of writing, as the sender's homeserver states it.
    pub at: i64,
    /// Time when we first received it.
    pub first_seen: i64,
    /// Whether the room was sent a notice about it.
    pub told: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
