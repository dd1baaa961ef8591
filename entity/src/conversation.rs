//! Conversations: the chat of one account with one customer or group; unique by (account, chat) and by (account,
//! customer).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ChatId, ConversationId, CustomerId, MessageId};

/// A row of `conversations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConversationId,
    pub account_id: AccountId,
    pub customer_id: Option<CustomerId>,
    pub kind: String,
    pub name: String,
    pub status: String,
    pub assignee: Option<String>,
    pub unread_count: i64,
    pub last_message_id: Option<MessageId>,
    pub last_message_at: Option<i64>,
    /// Time by which lists are ordered: of the last message, else of the creation.
    pub active_at: i64,
    pub chat_id: Option<ChatId>,
    /// Time of our first message to a customer who had never written.
    pub first_contact_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Customer who had it before a merge gave it to another.
    #[serde(default)]
    pub home_id: Option<CustomerId>,
    /// Conversation that continues this one since its customer was merged.
    #[serde(default)]
    pub merged_into: Option<ConversationId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
