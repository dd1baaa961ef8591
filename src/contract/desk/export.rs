//! Exports that are written to a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::export::{ExportFormat, ExportJob, ExportState, ExportWhat};
use crate::domain::{AccountId, ConversationId, CustomerId, ExportId, Timestamp};

/// An export that is written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportView {
    /// Id of the export.
    pub id: ExportId,
    /// Content of the file.
    pub what: ExportWhat,
    /// Its format.
    pub format: ExportFormat,
    /// Account of the rows; null: all.
    pub account_id: Option<AccountId>,
    /// Customer of the messages; null: all.
    pub customer_id: Option<CustomerId>,
    /// Conversation of the messages; null: all.
    pub conversation_id: Option<ConversationId>,
    /// Time of the oldest message; null: the first.
    pub from: Option<Timestamp>,
    /// Time before which the messages were written; null: none.
    pub until: Option<Timestamp>,
    /// How far it is.
    pub state: ExportState,
    /// Rows so far.
    pub rows: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal; null until it is done.
    pub sha256: Option<String>,
    /// Path at which the API serves the file.
    pub url: String,
    /// Reason why there is no file, and what to do; null otherwise.
    pub failure: Option<String>,
    /// Name of the key or agent that asked.
    pub asked_by: String,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time when it was last begun.
    pub started_at: Option<Timestamp>,
    /// Time when it ended.
    pub finished_at: Option<Timestamp>,
    /// Time when its file is deleted.
    pub expires_at: Option<Timestamp>,
}

/// Request for an export that is written to a file. The filters are those of `GET /api/v1/export/messages` and
/// `GET /api/v1/export/customers`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// Content of the file.
    pub what: ExportWhat,
    /// Its format; lines of JSON unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ExportFormat>,
    /// Account by name or id: of the messages, or with which customers have a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Account of the messages by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Customer of the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Conversation of the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Time of the oldest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Time before which the messages were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<ExportJob> for ExportView {
    fn from(job: ExportJob) -> Self {
        let filter = job.order.filter;
        Self {
            id: job.id,
            what: job.order.what,
            format: job.order.format,
            account_id: filter.account,
            customer_id: filter.customer,
            conversation_id: filter.conversation,
            from: filter.from,
            until: filter.until,
            state: job.state,
            rows: job.rows,
            bytes: job.bytes,
            sha256: job.sha256,
            url: format!("/api/v1/exports/{}/content", job.id),
            failure: job.failure,
            asked_by: job.order.asked_by,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            expires_at: job.expires_at,
        }
    }
}
