//! Notes of colleagues about a conversation. They never leave the desk.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, NoteId};

/// A row of `notes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "notes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: NoteId,
    pub conversation_id: ConversationId,
    /// Conversation for which it was written, if a merge moved it.
    pub home_id: Option<ConversationId>,
    pub content: String,
    /// Face in which it was written.
    pub author_origin: String,
    pub author_name: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
