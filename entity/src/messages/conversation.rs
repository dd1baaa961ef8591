//! Conversations: the chat of one account with one customer or group; unique by (account, chat) and by (account,
//! customer).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, AgentId, ChatId, ConversationId, CustomerId, MessageId};

/// A row of `conversations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConversationId,
    /// Account of the chat.
    pub account_id: AccountId,
    /// Customer of the chat; `None` for a group.
    pub customer_id: Option<CustomerId>,
    /// A word of `ChatKind`.
    pub kind: String,
    /// Name of the customer or the group.
    pub name: String,
    /// A word of `ConversationStatus`.
    pub status: String,
    /// Agent who works on it.
    pub assignee: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// Newest message.
    pub last_message_id: Option<MessageId>,
    /// Time of the newest message.
    pub last_message_at: Option<i64>,
    /// Time by which lists are ordered: of the last message, else of the creation.
    pub active_at: i64,
    /// Chat in which answers are sent.
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
    /// Agent who has it; `assignee` is a copy of their name.
    #[serde(default)]
    pub assignee_id: Option<AgentId>,
    /// Time at which a snoozed conversation opens by itself.
    #[serde(default)]
    pub snoozed_until: Option<i64>,
    /// Time of the first message of the customer that nobody has read or answered.
    #[serde(default)]
    pub waiting_since: Option<i64>,
    /// Rows of `scheduled_sends`.
    #[serde(default)]
    pub scheduled_count: Option<i64>,
    /// A JSON list of the names of its labels: a copy of `conversation_labels`.
    #[serde(default)]
    pub labels: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
