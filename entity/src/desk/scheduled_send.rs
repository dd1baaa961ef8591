//! Messages that wait for their time, or for a person. A row goes when its message is handed over or given up.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ConversationId, MessageId};

/// A row of `scheduled_sends`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "scheduled_sends")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub message_id: MessageId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// `scheduled`, `held`, or `due` while it is in the outbox.
    pub stage: String,
    pub send_at: i64,
    /// Newest message when a person last decided about it: what the customer writes after that holds it.
    pub seen_up_to: MessageId,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
