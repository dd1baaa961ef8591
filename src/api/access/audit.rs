//! Writes the audit log.

use futures_util::FutureExt;

use super::Access;
use super::auth::Caller;
use crate::bridge::AuditLine;
use crate::domain::Operation;
use crate::store::StoreError;

/// Returns the audit line for an operation of a caller, if it is one that is audited: `action` is how it was asked for, such
/// as `POST` and a route, and `subject` the path of what it was done to.
pub fn line(
    caller: &Caller,
    operation: Operation,
    action: String,
    subject: String,
    request_id: &str,
) -> Option<AuditLine> {
    AuditLine::of(operation, caller.actor(), action, subject, request_id)
}

impl Access {
    /// Writes an audit line; the request fails if that fails.
    pub async fn record(&self, line: AuditLine) -> Result<(), StoreError> {
        self.store
            .write::<_, _, StoreError, _>(line, |tx, line| async move { line.write(tx).await }.boxed())
            .await
    }

    /// Writes an audit line for a request that only reads. If the database does not accept it, the line goes into the
    /// server's log.
    pub async fn note(&self, line: AuditLine) {
        let AuditLine {
            actor, action, subject, ..
        } = line.clone();
        if !self.noted(self.record(line)).await {
            tracing::warn!("audit: {actor}: {action} {subject}");
        }
    }
}
