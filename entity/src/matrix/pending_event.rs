//! Room events that cannot be handled yet: without a key, in a room that is being made, or with a file to fetch.

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
    /// Whether it waits for its file; `None`: for its room or its key.
    #[serde(default)]
    pub has_file: Option<bool>,
    /// How often it, or its file, could not be fetched.
    #[serde(default)]
    pub attempts: Option<i32>,
    /// Time before which it, or its file, is not fetched.
    #[serde(default)]
    pub not_before: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
