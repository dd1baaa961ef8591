//! Writes the audit log.

use futures_util::FutureExt;
use serde::Serialize;

use super::Access;
use super::auth::Caller;
use crate::domain::Operation;
use crate::store::StoreError;

/// One line of the audit log.
#[derive(Clone)]
pub struct Entry {
    /// Agent and key that did it.
    pub actor: String,
    action: String,
    /// Path of the thing that it was done to.
    pub subject: String,
    detail: Detail,
}

/// Additional data of an audit line.
#[derive(Clone, Serialize)]
struct Detail {
    operation: &'static str,
    request_id: String,
}

impl Entry {
    /// Returns the line for an operation of a caller: `action` is how it was asked for, such as `POST` and a route, and
    /// `subject` the path of what it was done to.
    pub fn new(caller: &Caller, operation: Operation, action: String, subject: String, request_id: &str) -> Self {
        Self {
            actor: caller.actor(),
            action,
            subject,
            detail: Detail {
                operation: operation.as_str(),
                request_id: request_id.to_owned(),
            },
        }
    }
}

impl Access {
    /// Writes an audit line; the request fails if that fails.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        self.store
            .write::<_, _, StoreError, _>(entry, |tx, entry| {
                async move {
                    tx.audit()
                        .add(&entry.actor, &entry.action, &entry.subject, &entry.detail)
                        .await
                }
                .boxed()
            })
            .await
    }

    /// Writes an audit line for a request that only reads. If the database does not accept it, the line goes into the
    /// server's log.
    pub async fn note(&self, entry: Entry) {
        let Entry {
            actor, action, subject, ..
        } = entry.clone();
        if !self.noted(self.record(entry)).await {
            tracing::warn!("audit: {actor}: {action} {subject}");
        }
    }
}
