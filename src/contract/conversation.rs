//! Conversations and groups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::customer::PhoneNumber;
use crate::domain::group::{Group, Participant};
use crate::domain::{AccountId, AgentId, ConversationId, CustomerId, MessageId, Timestamp, WaUserId};

/// The chat of one account with one customer or group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationView {
    /// Id of the conversation.
    pub id: ConversationId,
    /// Account of the chat.
    pub account_id: AccountId,
    /// Customer of the chat; null for a group.
    pub customer_id: Option<CustomerId>,
    /// Kind of the chat.
    pub kind: ChatKind,
    /// Name of the customer or the group.
    pub name: String,
    /// State of the desk's work on it.
    pub status: ConversationStatus,
    /// Name of the agent who works on it.
    pub assignee: Option<String>,
    /// Id of that agent.
    #[serde(default)]
    pub assignee_id: Option<AgentId>,
    /// Time at which it opens by itself, while it is snoozed until a time.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    /// Time of the first message that the customer wrote since somebody last read or answered; null while nobody waits.
    #[serde(default)]
    pub waiting_since: Option<Timestamp>,
    /// Number of its messages that wait for their time or for a person.
    #[serde(default)]
    pub scheduled_count: i64,
    /// Names of its labels.
    #[serde(default)]
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
    /// Conversation that continues this one since its customer was merged; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ConversationId>,
    /// A group's avatar and members, when one conversation is requested; absent otherwise.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupView>,
}

/// Avatar and members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupView {
    /// Path at which the API serves the group's avatar.
    #[schemars(extend("x-may-be-null" = true))]
    pub photo_url: Option<String>,
    /// Members of the group.
    pub participants: Vec<ParticipantView>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParticipantView {
    /// User as it stands after `@` in a text that mentions them.
    pub user: WaUserId,
    /// Name that is shown.
    pub name: String,
    /// Phone number, if it is known.
    #[schemars(extend("x-may-be-null" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// Whether it is the account itself.
    pub from_me: bool,
    /// Whether the member is an admin of the group.
    pub is_admin: bool,
}

/// Body of a redirect to the surviving customer or conversation of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MovedView<Id> {
    /// Id that was requested.
    pub id: Id,
    /// Id of the survivor.
    pub merged_into: Id,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        let (assignee_id, assignee) = conversation.assignee.map(|agent| (agent.id, agent.name)).unzip();
        Self {
            id: conversation.id,
            account_id: conversation.account_id,
            customer_id: conversation.customer_id,
            kind: conversation.kind,
            name: conversation.name,
            status: conversation.status,
            assignee,
            assignee_id,
            snoozed_until: conversation.snoozed_until,
            waiting_since: conversation.waiting_since,
            scheduled_count: conversation.scheduled_count,
            labels: conversation.labels,
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
