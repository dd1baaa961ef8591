//! Lines of the audit log. Every face makes them here, so that all of them audit the same operations in the same form; each
//! writes them before the operation is done.

use serde::Serialize;

use crate::domain::Operation;
use crate::store::{StoreError, Tx};

/// One line of the audit log.
#[derive(Clone, Debug)]
pub struct AuditLine {
    /// Actor: an agent, a key, or an agent with a key.
    pub actor: String,
    /// How it was asked for: a method and a route, or a command.
    pub action: String,
    /// Path of the thing that it was done to.
    pub subject: String,
    detail: Detail,
}

/// Additional data of a line.
#[derive(Clone, Debug, Serialize)]
struct Detail {
    operation: &'static str,
    request_id: String,
}

impl AuditLine {
    /// Returns the line for an operation, if it is one that is audited. `request_id`: id of the request, the session or the
    /// room event by which it was asked for.
    pub fn of(operation: Operation, actor: String, action: String, subject: String, request_id: &str) -> Option<Self> {
        operation.is_audited().then(|| Self {
            actor,
            action,
            subject,
            detail: Detail {
                operation: operation.as_str(),
                request_id: request_id.to_owned(),
            },
        })
    }

    /// Writes the line.
    pub async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.audit()
            .add(&self.actor, &self.action, &self.subject, &self.detail)
            .await
    }
}
