//! What is known of a group besides its conversation.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, MediaId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "chat_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub conversation_id: ConversationId,
    /// A JSON array.
    pub participants: String,
    pub updated_at: i64,
    /// Its picture.
    #[serde(default)]
    pub photo_id: Option<MediaId>,
    /// Which one that is, in WhatsApp's words.
    #[serde(default)]
    pub photo_tag: Option<String>,
    /// When it is to be looked up again; none: it never was.
    #[serde(default)]
    pub photo_due_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
