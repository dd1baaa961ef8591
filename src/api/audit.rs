//! `/audit`: what was done with keys of the scopes `manage` and `admin`.

use axum::extract::State;

use super::http::listing::{Listed, Listing, NoFilter};
use super::http::problem::Problem;
use crate::contract::AuditView;
use crate::store::{AuditEntry, Order, Store};

/// `GET /audit`, scope `admin`: lists the audit log, the newest entries first.
pub async fn list(State(store): State<Store>, list: Listing<NoFilter>) -> Result<Listed<AuditView>, Problem> {
    let request = list.page(Order::Descending)?;
    let page = store.audit().page(request).await?;
    Ok(list.answer(request, page))
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}
