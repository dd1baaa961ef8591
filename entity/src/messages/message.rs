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
    /// Account that sent or received it.
    pub account_id: AccountId,
    /// Conversation that it belongs to.
    pub conversation_id: ConversationId,
    /// Customer of the conversation; `None` in a group.
    pub customer_id: Option<CustomerId>,
    /// A word of `Direction`.
    pub direction: String,
    /// A word of `Kind`.
    pub kind: String,
    /// Text, or the bracketed line that stands for it.
    pub content: String,
    /// Time of writing.
    pub timestamp: i64,
    /// `timestamp` in whole seconds, WhatsApp's precision: lists are ordered by it, then by id.
    pub sort_at: i64,
    /// A word of `MessageState`.
    pub state: String,
    /// Stanza id.
    pub whatsapp_id: Option<WaMessageId>,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// Sender as part of the unique key; empty where `from_me` is enough.
    pub sender: WaUserId,
    /// Chat that it was sent in, or came in.
    pub chat_id: Option<ChatId>,
    /// Login of the account in which its WhatsApp id was chosen.
    pub login: Option<i64>,
    /// A word of `Origin`.
    pub author_origin: Option<String>,
    /// Name of the author.
    pub author_name: Option<String>,
    /// Key of the client that makes a repeated request find this message.
    #[sea_orm(unique)]
    pub client_key: Option<String>,
    /// Message that it quotes.
    pub reply_to: Option<MessageId>,
    /// Copy of the medium's state, as a JSON object; the row of `media` has the original.
    pub media: Option<String>,
    /// Medium that it carries.
    pub media_id: Option<MediaId>,
    /// Details, as a JSON object.
    pub details: Option<String>,
    /// Reactions, as a JSON array.
    pub reactions: Option<String>,
    /// Time of the last edit.
    pub edited_at: Option<i64>,
    /// Time of the deletion for everyone.
    pub deleted_at: Option<i64>,
    /// Whether it is older than the watermark.
    pub backfilled: bool,
    /// Stable code of the failure.
    pub failure_code: Option<String>,
    /// Sentence about the failure.
    pub failure_detail: Option<String>,
    /// Time after which it is not sent any more.
    pub expires_at: Option<i64>,
    /// Time at which its content is deleted (disappearing message).
    pub vanishes_at: Option<i64>,
    /// A word of `WaitReason`.
    pub wait_reason: Option<String>,
    /// Time at which it may be sent.
    pub wait_until: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Number that the sender named, with `+`; `None` if the message is for the customer, whatever their number is.
    #[serde(default)]
    pub addressee: Option<String>,
    /// Merged customer by whose identity it came.
    #[serde(default)]
    pub home_id: Option<CustomerId>,
    /// Time of the last hand-over under its stanza id, just before it.
    #[serde(default)]
    pub chosen_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
