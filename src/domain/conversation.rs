//! Conversations: the chat of one account with one customer or group.

use super::word::words;
use super::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp};

words! {
    /// Kind of a chat: with one person or with a group.
    ChatKind { Direct = "direct", Group = "group" }
}

words! {
    /// State of the desk's work on a conversation.
    ConversationStatus { Open = "open", Pending = "pending", Snoozed = "snoozed", Closed = "closed" }
}

/// A conversation, as all modules outside the store see it. Its JSON is `contract::ConversationView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Id of the conversation.
    pub id: ConversationId,
    /// Account of the chat.
    pub account_id: AccountId,
    /// Customer of the chat; `None` for a group.
    pub customer_id: Option<CustomerId>,
    /// Kind of the chat.
    pub kind: ChatKind,
    /// Name of the customer or the group.
    pub name: String,
    /// State of the desk's work on it.
    pub status: ConversationStatus,
    /// Agent who works on it.
    pub assignee: Option<String>,
    /// Messages that no agent has read or answered. (WhatsApp's own read state is separate.)
    pub unread_count: i64,
    /// Newest message.
    pub last_message_id: Option<MessageId>,
    /// Time of the newest message.
    pub last_message_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Conversation that continues this one since its customer was merged: all messages are there.
    pub merged_into: Option<ConversationId>,
    /// Chat of the last message, in which answers are sent; `None` until the first send to a number has found its chat.
    /// Only `wa` parses it.
    pub chat_id: Option<ChatId>,
}
