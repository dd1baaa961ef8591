//! The import of history, and comparisons with WhatsApp.

use serde::{Deserialize, Serialize};

use crate::domain::history::{History, HistoryDepth, HistoryState, Synced};
use crate::domain::{ConversationId, CustomerId, Timestamp};

/// An account's import. Also the data of `account.history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    pub state: HistoryState,
    /// `90d`, `all` or `none`.
    pub depth: HistoryDepth,
    /// Chats that reach into the depth, as far as they are known.
    pub chats_total: i64,
    pub chats_done: i64,
    /// Messages that were new.
    pub messages: i64,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// A comparison of an account with WhatsApp. Also the data of `account.synced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncView {
    pub synced_at: Timestamp,
    /// Missed messages that the last comparison has found.
    pub recovered: i64,
    /// Missed messages that all comparisons have found.
    pub recovered_total: i64,
}

/// Asks for an import.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryRequest {
    /// `90d`, `all` or `none`.
    pub depth: HistoryDepth,
}

/// Asks for a comparison: of one chat, named by one of these, or of all where none is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// A phone number in international form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
}

/// A comparison that is not done within the caller's wait: it is once `synced_at` is not before this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStarted {
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
