//! Messages; unique by (conversation, from-me, sender, WhatsApp id) and by client key.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ChatId, ConversationId, CustomerId, MediaId, MessageId, WaMessageId, WaUserId};

/// A row of `messages`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: MessageId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub customer_id: Option<CustomerId>,
    pub direction: String,
    pub kind: String,
    pub content: String,
    pub timestamp: i64,
    /// `timestamp` in whole seconds, WhatsApp's precision: lists are ordered by it, then by id.
    pub sort_at: i64,
    pub state: String,
    pub whatsapp_id: Option<WaMessageId>,
    pub from_me: bool,
    pub sender: WaUserId,
    /// Chat that it was sent in, or came in.
    pub chat_id: Option<ChatId>,
    /// Login of the account in which its WhatsApp id was chosen.
    pub login: Option<i64>,
    pub author_origin: Option<String>,
    pub author_name: Option<String>,
    #[sea_orm(unique)]
    pub client_key: Option<String>,
    pub reply_to: Option<MessageId>,
    /// Copy of the medium's state, as a JSON object; the row of `media` has the original.
    pub media: Option<String>,
    pub media_id: Option<MediaId>,
    /// Details, as a JSON object.
    pub details: Option<String>,
    /// Reactions, as a JSON array.
    pub reactions: Option<String>,
    pub edited_at: Option<i64>,
    pub deleted_at: Option<i64>,
    pub backfilled: bool,
    pub failure_code: Option<String>,
    pub failure_detail: Option<String>,
    pub expires_at: Option<i64>,
    /// Time at which its content is deleted (disappearing message).
    pub vanishes_at: Option<i64>,
    pub wait_reason: Option<String>,
    pub wait_until: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Merged customer by whose identity it came.
    #[serde(default)]
    pub home_id: Option<CustomerId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
