//! Imports of history, and comparisons with WhatsApp.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::history::{History, HistoryDepth, HistoryState, Synced};
use crate::domain::{ConversationId, CustomerId, Timestamp};

/// An account's import. Also the data of `account.history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryView {
    /// State of the import.
    pub state: HistoryState,
    /// Depth: `90d`, `all` or `none`.
    pub depth: HistoryDepth,
    /// Chats with messages within the depth, as far as they are known.
    pub chats_total: i64,
    /// Chats that are imported.
    pub chats_done: i64,
    /// Messages imported.
    pub messages: i64,
    /// Time when the import began.
    pub started_at: Option<Timestamp>,
    /// Time when the import ended.
    pub finished_at: Option<Timestamp>,
}

/// A comparison of an account with WhatsApp. Also the data of `account.synced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncView {
    /// Time of the last comparison.
    pub synced_at: Timestamp,
    /// Missed messages that the last comparison found.
    pub recovered: i64,
    /// Missed messages that all comparisons found.
    pub recovered_total: i64,
}

/// Request for an import.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryRequest {
    /// Depth: `90d`, `all` or `none`.
    pub depth: HistoryDepth,
}

/// Request for a comparison: of one chat, named by one of these fields, or of all chats if none is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// Phone number in international form, or as it is written in the configured region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Customer of the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation of the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
}

/// A comparison that takes longer than the caller waits. It is done when `synced_at` is not before `asked_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStarted {
    /// Time of the request.
    pub asked_at: Timestamp,
}

impl From<&History> for HistoryView {
    fn from(history: &History) -> Self {
        Self {
            state: history.state,
            depth: history.depth,
            chats_total: history.chats_total,
            chats_done: history.chats_done,
            messages: history.messages,
            started_at: history.started_at,
            finished_at: history.finished_at,
        }
    }
}

impl From<&Synced> for SyncView {
    fn from(synced: &Synced) -> Self {
        Self {
            synced_at: synced.synced_at,
            recovered: synced.recovered,
            recovered_total: synced.recovered_total,
        }
    }
}
