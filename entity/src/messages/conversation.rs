//! An account's chat; unique by (account, chat) and by (account, customer).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ChatId, ConversationId, CustomerId, MessageId};

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
    /// What lists sort by: the last message's time, else the making's.
    pub active_at: i64,
    pub chat_id: Option<ChatId>,
    /// When we first wrote, to somebody who never had.
    pub first_contact_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Whose it was first, where merging has given it to another customer.
    #[serde(default)]
    pub home_id: Option<CustomerId>,
    /// Where it goes on since its customer was merged.
    #[serde(default)]
    pub merged_into: Option<ConversationId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
