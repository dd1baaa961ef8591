//! Groups, besides their conversations.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, MediaId};

/// A row of `chat_groups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "chat_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Conversation of the group.
    #[sea_orm(unique)]
    pub conversation_id: ConversationId,
    /// Members, as a JSON array.
    pub participants: String,
    pub updated_at: i64,
    /// Medium of the avatar.
    #[serde(default)]
    pub photo_id: Option<MediaId>,
    /// WhatsApp's tag of the avatar.
    #[serde(default)]
    pub photo_tag: Option<String>,
    /// Time of the next lookup; `None` means that it was never looked up.
    #[serde(default)]
    pub photo_due_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
