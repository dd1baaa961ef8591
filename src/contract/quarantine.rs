//! Events from outside that could not be stored.

use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, QuarantineId, Timestamp};

/// An event that could not be stored. Its content holds people's words: it is for keys of scope `manage` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineView {
    pub id: QuarantineId,
    /// `whatsapp` or `matrix`.
    pub source: String,
    pub account_id: Option<AccountId>,
    /// Why it could not be stored.
    pub error: String,
    /// How often the same bytes came.
    pub times: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Its bytes, as far as they are text.
    pub content: String,
}

/// The result of a replay of the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayView {
    pub taken_in: usize,
    pub still_refused: usize,
}
