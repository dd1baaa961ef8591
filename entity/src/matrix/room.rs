//! Rooms of conversations.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, MatrixEventId, MatrixRoomId, MatrixUserId};

/// A row of `rooms`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "rooms")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Conversation that the room shows.
    #[sea_orm(unique)]
    pub conversation_id: ConversationId,
    /// Random local part of the room's alias.
    #[sea_orm(unique)]
    pub alias: String,
    /// Id of the room; `None` until it is created.
    #[sea_orm(unique)]
    pub room_id: Option<MatrixRoomId>,
    /// Matrix user that makes or made the room; `None` in rooms from before this was stored.
    #[serde(default)]
    pub creator: Option<MatrixUserId>,
    /// Login that keeps the room; `None` in rooms from before this was stored.
    #[serde(default)]
    pub keeper: Option<MatrixUserId>,
    /// When it moved to its keeper from another login; `None` if it never did.
    #[serde(default)]
    pub moved_at: Option<i64>,
    /// Event from which on the room is its keeper's, until both logins have read up to it.
    #[serde(default)]
    pub fence: Option<MatrixEventId>,
    /// Whether the keeper has read up to the fence.
    #[serde(default)]
    pub keeper_read: Option<bool>,
    /// Whether the login before has read up to the fence.
    #[serde(default)]
    pub other_read: Option<bool>,
    /// Room that replaces it, until the login before has read it to its end.
    #[serde(default)]
    pub next_room: Option<MatrixRoomId>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Address of the picture that the room was given; `None`: none.
    #[serde(default)]
    pub avatar: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
