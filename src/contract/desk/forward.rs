//! Forwarding a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ConversationId, CustomerId, MessageId, Timestamp};

/// Request to forward a message to one of `to`, `customer_id` and `conversation_id`.
///
/// An idempotency key is bound to the bytes that this serializes to: a new field must be skipped when it is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardRequest {
    /// Phone number in international form, or as it is written in the configured region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Customer to forward it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation to forward it into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Name of the account that sends, if several could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Time at which it is to be sent; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Newest message of the conversation that it goes into which the author had seen: if others have written since, nothing
    /// is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_up_to: Option<MessageId>,
    /// Whether it is sent although others have written since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// `forward` on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardCommand {
    /// Message to forward.
    pub message_id: MessageId,
    /// Phone number, as in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Customer to forward it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation to forward it into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Name of the account that sends, if several could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Time at which it is to be sent; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Newest message that the author had seen, as in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_up_to: Option<MessageId>,
    /// Whether it is sent although others have written since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Makes a repeat of the command one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl From<ForwardCommand> for ForwardRequest {
    fn from(command: ForwardCommand) -> Self {
        Self {
            to: command.to,
            customer_id: command.customer_id,
            conversation_id: command.conversation_id,
            account: command.account,
            send_at: command.send_at,
            seen_up_to: command.seen_up_to,
            force: command.force,
        }
    }
}
