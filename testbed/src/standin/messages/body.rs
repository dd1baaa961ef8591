//! Type and fields of a message besides its text, in WhatsApp Web's words. One container carries every kind through the
//! service. The service reads it only where it must: for the medium, and for a poll's options.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::standin::people::jid::Jid;

/// Type of a plain text.
pub(crate) const CHAT: &str = "chat";

/// Type of a notice about a group.
pub(crate) const GROUP_NOTICE: &str = "gp2";

/// Types of messages that WhatsApp itself writes.
const NOTICES: &[&str] = &[
    GROUP_NOTICE,
    "notification",
    "notification_template",
    "e2e_notification",
    "broadcast_notification",
    "protocol",
    "call_log",
];

/// Type and fields of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Type: `chat`, `image`, `ptt`, `location`, `poll_creation`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Fields as the page's models name them: `lat`, `pollName`, `directPath`, `isForwarded`, …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl Default for Body {
    fn default() -> Self {
        Self::of(CHAT, Map::new())
    }
}

impl Body {
    /// Creates a body of a type with fields.
    pub(crate) fn of(kind: &str, fields: Map<String, Value>) -> Self {
        Self {
            kind: kind.to_owned(),
            fields,
        }
    }

    /// Returns whether it is a text and nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        self.kind == CHAT && self.fields.is_empty()
    }

    /// Returns whether WhatsApp itself wrote it; such a message is never unread.
    pub(crate) fn is_notice(&self) -> bool {
        NOTICES.contains(&self.kind.as_str())
    }

    /// Creates a notice about a group: what happened, and to whom.
    pub(crate) fn notice(subtype: &str, recipients: &[Jid]) -> Self {
        let mut body = Self::of(GROUP_NOTICE, Map::new());
        body.set("subtype", subtype);
        body.set("recipients", json!(recipients));
        body
    }

    /// Returns a field that is a text.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// Returns a field that is a number.
    pub(crate) fn number(&self, field: &str) -> Option<u32> {
        let value = self.fields.get(field)?;
        value.as_u64().and_then(|number| u32::try_from(number).ok())
    }

    /// Returns whether a field is true.
    pub(crate) fn flag(&self, field: &str) -> bool {
        self.fields.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }
}
