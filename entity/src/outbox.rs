//! Outbox: work for WhatsApp and Matrix, in lanes.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ConversationId, MessageId, OutboxId};

/// A row of `outbox`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: OutboxId,
    pub target: String,
    pub account_id: AccountId,
    pub lane: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    /// The work, as JSON.
    pub work: String,
    pub attempts: i64,
    pub not_before: i64,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub last_error: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
