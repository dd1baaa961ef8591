//! Requests that send and change messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SendTemplate;
use super::customer::present;
use crate::domain::media::FileKind;
use crate::domain::{ConversationId, CustomerId, MediaId, MessageId, Timestamp};

/// Request to send a message to one of `to`, `customer_id` and `conversation_id`.
///
/// An idempotency key is bound to the bytes that this serializes to: a new field must be skipped when it is not given,
/// or requests from before an upgrade would be refused after it as different ones.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// Phone number in international form, or as it is written in the configured region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Customer to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation to write in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Text, or the caption of a file, which may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
    /// File that was uploaded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<SendMedia>,
    /// Place, sent in place of a text or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SendLocation>,
    /// Contact card, sent in place of a text or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<SendContact>,
    /// Poll, sent in place of a text or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<SendPoll>,
    /// Template, sent in place of a text, a file and all else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<SendTemplate>,
    /// Name of the account that sends, if several could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Message to quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Time at which it is to be sent; absent: now. If the customer writes before, it is held for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Newest message of the conversation that the author had seen: if others have written since, nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_up_to: Option<MessageId>,
    /// Whether it is sent although others have written since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// File of a message.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMedia {
    /// Id of the uploaded file.
    pub id: MediaId,
    /// Kind of message as which it is sent; without it, chosen by the file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
}

/// Place to be sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendLocation {
    /// Latitude in degrees, north positive.
    pub latitude: f64,
    /// Longitude in degrees, east positive.
    pub longitude: f64,
    /// Name of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Postal address of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Contact to be sent, with one of `phone` and `vcard`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendContact {
    /// Name on the card.
    pub name: String,
    /// Phone number in international form, or as it is written in the configured region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The card as a vCard (RFC 2426).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcard: Option<String>,
}

/// Poll to be sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendPoll {
    /// Question of the poll.
    pub question: String,
    /// Options, 2 to 12.
    pub options: Vec<String>,
    /// How many options one person may choose; 0 means any number.
    #[serde(default)]
    pub selectable: u32,
}

/// Request to change the text of a message, or the time of one for later.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// New text.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub content: Option<String>,
    /// New time of a message for later; one that is held waits for it again.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Timestamp")]
    pub send_at: Option<Timestamp>,
}

/// Request to react to a message, in place of the desk's last reaction.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactRequest {
    /// The emoji; empty removes the reaction.
    pub emoji: String,
}

/// A person's finding about a message of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was sent.
    Sent,
    /// It was not sent.
    Failed,
}

/// Request to settle a message of unknown outcome.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// The finding.
    pub state: Outcome,
}

/// A body without fields, for requests that say everything in their path.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Empty {}
