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
    /// A word of `Target`.
    pub target: String,
    /// Account that the work is for.
    pub account_id: AccountId,
    /// Conversation whose order the row keeps; `None` outside the lanes.
    pub lane: Option<ConversationId>,
    /// Message that the work is about.
    pub message_id: Option<MessageId>,
    /// The work, as JSON.
    pub work: String,
    /// How often the target refused it.
    pub attempts: i64,
    /// Time before which it is not done.
    pub not_before: i64,
    pub created_at: i64,
    /// Time when it was first handed to its target.
    pub started_at: Option<i64>,
    /// Error of the last attempt.
    pub last_error: Option<String>,
    /// Whether its lane goes before others.
    #[serde(default)]
    pub urgent: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
