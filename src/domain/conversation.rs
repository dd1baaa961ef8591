//! Conversations: the chat of one account with one customer or group.

use sha2::{Digest as _, Sha256};

use super::hex::hex;
use super::word::words;
use super::{AccountId, AgentId, ChatId, ConversationId, CustomerId, MessageId, Timestamp};

words! {
    /// Kind of a chat: with one person or with a group.
    ChatKind { Direct = "direct", Group = "group" }
}

words! {
    // Declared from the most awake to closed: a merge compares them.
    /// State of the desk's work on a conversation.
    ConversationStatus { Open = "open", Pending = "pending", Snoozed = "snoozed", Closed = "closed" }
}

/// Agent who works on a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee {
    /// Id of the agent.
    pub id: AgentId,
    /// Name of the agent.
    pub name: String,
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
    pub assignee: Option<Assignee>,
    /// Time at which it opens by itself, while it is snoozed until a time.
    pub snoozed_until: Option<Timestamp>,
    /// Time of the first message that the customer wrote since somebody last read or answered; `None` while nobody waits.
    pub waiting_since: Option<Timestamp>,
    /// Number of its messages that wait for their time or for a person.
    pub scheduled_count: i64,
    /// Names of its labels, in order.
    pub labels: Vec<String>,
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

impl Conversation {
    /// Returns a tag that changes whenever people change who has it, how it stands, or its labels.
    pub fn revision(&self) -> String {
        let agent = self.assignee.as_ref().map_or(0, |agent| agent.id.0);
        let until = self.snoozed_until.map_or(0, |until| until.0);
        let labels = Sha256::digest(self.labels.join("\n"));
        format!("{agent}-{}-{until}-{}", self.status, &hex(&labels)[..16])
    }
}
