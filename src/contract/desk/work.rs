//! Requests and commands that change who has a conversation and how it stands, and the counts of a sidebar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::AuthorView;
use crate::domain::conversation::ConversationStatus;
use crate::domain::message::{Direction, Kind, Message};
use crate::domain::{AccountId, AgentId, ConversationId, MessageId, Timestamp};

/// Request to give a conversation to an agent.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// The agent; null for nobody.
    #[serde(deserialize_with = "agent")]
    #[schemars(schema_with = "agent_or_null")]
    pub agent_id: Option<AgentId>,
}

/// Describes a field that has to be there, but may be null.
fn agent_or_null(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Option<AgentId>>()
}

/// Reads a field that has to be there, but may be null.
fn agent<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<AgentId>, D::Error> {
    Option::deserialize(deserializer)
}

/// Request to set how a conversation stands.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// The status.
    pub status: ConversationStatus,
    /// Time at which a snoozed conversation opens by itself; absent: when the customer writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// `assign` on a WebSocket.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignCommand {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The agent; null for nobody.
    #[serde(deserialize_with = "agent")]
    #[schemars(schema_with = "agent_or_null")]
    pub agent_id: Option<AgentId>,
}

/// `status` on a WebSocket.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusCommand {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The status.
    pub status: ConversationStatus,
    /// Time at which a snoozed conversation opens by itself; absent: when the customer writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// `note` on a WebSocket.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteCommand {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Text of the note.
    pub content: String,
    /// Makes a repeat of the command one note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// `label` and `unlabel` on a WebSocket.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelCommand {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Name of the label.
    pub label: String,
}

/// `release` and `cancel` on a WebSocket.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageCommand {
    /// The message.
    pub message_id: MessageId,
}

/// Message that an author had not seen when they wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedView {
    /// Id of the message.
    pub id: MessageId,
    /// Direction of the message.
    pub direction: Direction,
    /// Kind of the message.
    pub kind: Kind,
    /// Text; for a kind without one, the bracketed line that stands for it.
    pub content: String,
    /// Time of writing.
    pub timestamp: Timestamp,
    /// Author, where it is not the customer of the conversation.
    pub author: Option<AuthorView>,
}

/// Numbers for a sidebar: conversations that are not closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountsView {
    /// One entry for each combination that there is.
    pub data: Vec<OpenCountView>,
    /// Conversations that are snoozed, pending or open.
    pub conversations: i64,
    /// How many of them have unread messages.
    pub unread: i64,
    /// How many of them nobody has.
    pub unassigned: i64,
}

/// Number of conversations that agree in account, status and agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenCountView {
    /// Their account.
    pub account_id: AccountId,
    /// Their status.
    pub status: ConversationStatus,
    /// Agent who has them; null for nobody.
    pub assignee_id: Option<AgentId>,
    /// How many there are.
    pub conversations: i64,
    /// How many of them have unread messages.
    pub unread: i64,
}

impl From<Message> for MissedView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            direction: message.direction,
            kind: message.kind,
            content: message.content,
            timestamp: message.timestamp,
            author: message.author.map(Into::into),
        }
    }
}
