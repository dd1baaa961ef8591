//! Rooms of conversations.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, MatrixRoomId};

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
    pub created_at: i64,
    pub updated_at: i64,
    /// Address of the picture that the room was given; `None`: none.
    #[serde(default)]
    pub avatar: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
