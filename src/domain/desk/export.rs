//! Exports that are written to a file while nobody waits: jobs.

use std::time::Duration;

use crate::domain::rights::Sight;
use crate::domain::word::words;
use crate::domain::{AccountId, ConversationId, CustomerId, ExportId, OwnerId, Timestamp};

/// Most exports of one owner that wait or run.
pub const MAX_WAITING: u64 = 10;
/// How often an export is begun: one that was interrupted so often is given up.
pub const MAX_ATTEMPTS: i64 = 5;

/// Bounds of the files of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportRules {
    /// How long a file is kept.
    pub keep: Duration,
    /// Upper bound of all files together, in bytes.
    pub max_total: u64,
}

impl Default for ExportRules {
    fn default() -> Self {
        Self {
            keep: Duration::from_hours(24),
            max_total: 20 << 30,
        }
    }
}

words! {
    /// How far an export is.
    ExportState {
        /// It waits for its turn.
        Queued = "queued",
        /// It is being written.
        Running = "running",
        /// Its file can be downloaded until it expires.
        Done = "done",
        /// It ended without a file; `failure` says why.
        Failed = "failed",
        /// A person ended it.
        Cancelled = "cancelled",
    }
}

words! {
    /// Content of an export.
    ExportWhat {
        /// Messages.
        Messages = "messages",
        /// Customers.
        Customers = "customers",
    }
}

words! {
    /// Format of an export.
    #[derive(Default)]
    ExportFormat {
        /// A line of JSON a row.
        #[default]
        Ndjson = "ndjson",
        /// Comma-separated values, with a line of names first.
        Csv = "csv",
    }
}

impl ExportState {
    /// Returns whether it waits or runs.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl ExportFormat {
    /// Returns the media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// Rows that an export has; `None` leaves none out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// Account of the messages, or with which customers have a conversation.
    pub account: Option<AccountId>,
    /// Customer of the messages.
    pub customer: Option<CustomerId>,
    /// Conversation of the messages.
    pub conversation: Option<ConversationId>,
    /// Time of the oldest message.
    pub from: Option<Timestamp>,
    /// Time before which the messages were written.
    pub until: Option<Timestamp>,
}

/// An export as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOrder {
    /// Content of the file.
    pub what: ExportWhat,
    /// Its format.
    pub format: ExportFormat,
    /// Its rows.
    pub filter: ExportFilter,
    /// Sight of the one who asked, at that time.
    pub sight: Sight,
    /// Owner: an agent, or a key with its successors.
    pub owner: OwnerId,
    /// Name of the key or agent that asked.
    pub asked_by: String,
}

/// An export that is written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportJob {
    /// Id of the export.
    pub id: ExportId,
    /// Order of the person or program that asked.
    pub order: ExportOrder,
    /// How far it is.
    pub state: ExportState,
    /// Rows so far.
    pub rows: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal, once it is done.
    pub sha256: Option<String>,
    /// Name of the file's object in the vault, while it is there.
    pub object: Option<String>,
    /// Reason why there is no file, and what to do.
    pub failure: Option<String>,
    /// How often it was begun; whoever began it last may go on with it.
    pub attempts: i64,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time when it was last begun.
    pub started_at: Option<Timestamp>,
    /// Time when it ended.
    pub finished_at: Option<Timestamp>,
    /// Time when its file is deleted.
    pub expires_at: Option<Timestamp>,
}

impl ExportJob {
    /// Returns whether its file is gone, or is to go.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        let is_over = self.expires_at.is_some_and(|end| end <= now);
        self.state == ExportState::Done && (is_over || self.object.is_none())
    }
}
