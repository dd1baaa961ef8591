//! What is known of a group besides its conversation.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::ConversationId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "chat_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub conversation_id: ConversationId,
    pub photo_url: Option<String>,
    /// A JSON array.
    pub participants: String,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
