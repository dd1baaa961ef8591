//! The quarantine: events from outside that could not be stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, QuarantineId, Timestamp};

/// An event that could not be stored. It may contain people's messages, so only keys of scope `manage` may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineView {
    /// Id of the event in the quarantine.
    pub id: QuarantineId,
    /// Source: `whatsapp` or `matrix`.
    pub source: String,
    /// Account that it came for, if any.
    pub account_id: Option<AccountId>,
    /// Reason why it could not be stored.
    pub error: String,
    /// How often the same bytes came.
    pub times: u64,
    /// Time when they first came.
    pub first_seen: Timestamp,
    /// Time when they last came.
    pub last_seen: Timestamp,
    /// The bytes, as far as they are text.
    pub content: String,
}

/// Result of a replay of the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayView {
    /// Events that could be stored this time.
    pub taken_in: usize,
    /// Events that still cannot be stored.
    pub still_refused: usize,
}
