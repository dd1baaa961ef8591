//! Requests about messages.

use serde::{Deserialize, Serialize};

use crate::domain::media::FileKind;
use crate::domain::{ConversationId, CustomerId, MediaId, MessageId};

/// Asks to send a message to one of `to`, `customer_id` and `conversation_id`.
///
/// An idempotency key is bound to the bytes that this serialises to: a field that is added has to be left out where it is
/// not given, or requests that were made before an upgrade are refused as others after it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// A phone number in international form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The text, or the caption of a file, where it may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
    /// A file that was uploaded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<SendMedia>,
    /// In place of a text or file, one of these three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SendLocation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<SendContact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<SendPoll>,
    /// The account that sends, by name, where several could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

/// The file of a message.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendMedia {
    pub id: MediaId,
    /// What it is sent as; chosen by its bytes where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
}

/// A place to be sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendLocation {
    /// In degrees, north positive.
    pub latitude: f64,
    /// In degrees, east positive.
    pub longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A contact to be sent, with one of `phone` and `vcard`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendContact {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// RFC 2426.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcard: Option<String>,
}

/// A poll to be sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendPoll {
    pub question: String,
    /// 2 to 12 of them.
    pub options: Vec<String>,
    /// How many options one person may choose; 0 for any number.
    #[serde(default)]
    pub selectable: u32,
}

/// Asks to change the text of a message.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    pub content: String,
}

/// Asks to put an emoji under a message, in place of the desk's last one.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReactRequest {
    /// Empty takes it away.
    pub emoji: String,
}

/// A person's finding about a message of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Sent,
    Failed,
}

/// Settles a message of unknown outcome.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    pub state: Outcome,
}

/// A body without fields, for requests that say it all by their path.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Empty {}
