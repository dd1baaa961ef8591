//! Conversations.

use serde::{Deserialize, Serialize};

use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::customer::PhoneNumber;
use crate::domain::group::{Group, Participant};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Timestamp, WaUserId};

/// One account's chat with one customer, or one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationView {
    pub id: ConversationId,
    pub account_id: AccountId,
    /// Null for a group.
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
    /// The conversation in which it goes on since its customer was merged; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ConversationId>,
    /// A group's picture and members, where one conversation is asked for; absent otherwise.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupView>,
}

/// A group's picture and members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Path at which the API serves the group's picture.
    pub photo_url: Option<String>,
    pub participants: Vec<ParticipantView>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantView {
    /// As a text that mentions them has it after `@`.
    pub user: WaUserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// Whether it is the account itself.
    pub from_me: bool,
    pub is_admin: bool,
}

/// The body of a redirect to the surviving customer or conversation of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedView<Id> {
    pub id: Id,
    pub merged_into: Id,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            account_id: conversation.account_id,
            customer_id: conversation.customer_id,
            kind: conversation.kind,
            name: conversation.name,
            status: conversation.status,
            assignee: conversation.assignee,
            unread_count: conversation.unread_count,
            last_message_id: conversation.last_message_id,
            last_message_at: conversation.last_message_at,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
            merged_into: conversation.merged_into,
            group: None,
        }
    }
}

impl From<&Conversation> for ConversationView {
    fn from(conversation: &Conversation) -> Self {
        conversation.clone().into()
    }
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            photo_url: group.photo_url,
            participants: group.participants.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Participant> for ParticipantView {
    fn from(participant: Participant) -> Self {
        Self {
            user: participant.user,
            name: participant.name,
            phone: participant.phone,
            from_me: participant.from_me,
            is_admin: participant.is_admin,
        }
    }
}
