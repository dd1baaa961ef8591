//! One account's chat with one customer, or one group.

use super::word::words;
use super::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp};

words! {
    /// Who is in the chat.
    ChatKind { Direct = "direct", Group = "group" }
}

words! {
    /// Where the work on a conversation stands.
    ConversationStatus { Open = "open", Pending = "pending", Snoozed = "snoozed", Closed = "closed" }
}

/// A conversation as everybody outside the store sees it. Its JSON is `contract::ConversationView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub id: ConversationId,
    pub account_id: AccountId,
    /// The person; none for a group.
    pub customer_id: Option<CustomerId>,
    pub kind: ChatKind,
    /// The customer's or the group's name.
    pub name: String,
    pub status: ConversationStatus,
    pub assignee: Option<String>,
    /// Messages that no agent has read or answered (WhatsApp's own read state is another thing).
    pub unread_count: i64,
    pub last_message_id: Option<MessageId>,
    pub last_message_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Where it goes on since its customer was merged: everything in it is there.
    pub merged_into: Option<ConversationId>,
    /// The chat that the last message came from, which is the one to answer; none before the first send to a number has
    /// found its chat. For `wa` alone to read.
    pub chat_id: Option<ChatId>,
}
