//! `/audit`: what was done with keys of the scopes `manage` and `admin`.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::filters::{Place, check_span};
use super::http::listing::{Listed, Listing};
use super::http::problem::{Code, Problem};
use super::router::ROUTES;
use super::ws::COMMANDS;
use crate::bridge::ROOM_COMMANDS;
use crate::contract::AuditView;
use crate::domain::{Operation, Timestamp};
use crate::store::{AuditEntry, AuditFilter, Order, Store};

/// Filters of the audit log.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Part of who did it, such as `key 3` or an agent's name.
    actor: Option<String>,
    /// Part of the method and route, or the name of an operation, such as `key.create`.
    action: Option<String>,
    /// Time of the oldest entry.
    from: Option<Timestamp>,
    /// Time before which the entries were written.
    until: Option<Timestamp>,
}

/// `GET /audit`, scope `admin`: lists the audit log, the newest entries first.
pub async fn list(State(store): State<Store>, list: Listing<Filter>) -> Result<Listed<AuditView>, Problem> {
    let request = list.page(Order::Descending);
    check_span(Place::Query, list.filter.from, list.filter.until)?;
    if let Some(action) = list.filter.action.as_deref().filter(|action| !is_action(action)) {
        let detail = format!(
            "no request is audited as `{action}`; give an operation, such as `key.create`, or a part of a method and a route, \
             such as `POST /api/v1/keys`"
        );
        return Err(Problem::new(Code::InvalidQuery, detail).at("/action"));
    }
    let filter = AuditFilter {
        actor: list.filter.actor.clone(),
        action: list.filter.action.clone(),
        from: list.filter.from,
        until: list.filter.until,
    };
    let page = store.audit().page(request, &filter).await?;
    Ok(list.answer(request, page))
}

/// Returns whether an action that is audited is of this name, or has this in it. Databases differ in whether they tell upper
/// case from lower.
fn is_action(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_in = |action: &str| action.to_ascii_lowercase().contains(&text);
    let in_rooms = || {
        let mut audited = ROOM_COMMANDS
            .iter()
            .filter(|(_, operation)| operation.is_some_and(Operation::is_audited));
        audited.any(|(word, _)| is_in(&format!("ROOM !{word}"))) || is_in("ROOM redaction")
    };
    let on_sockets = || {
        let mut audited = COMMANDS.iter().filter(|(_, operation)| operation.is_audited());
        audited.any(|(op, _)| is_in(&format!("WS {op}")))
    };
    let by_rest = || {
        let mut audited = ROUTES.iter().filter(|(_, _, operation)| operation.is_audited());
        audited.any(|(method, path, _)| is_in(&format!("{method} {path}")))
    };
    let mut audited = Operation::ALL.iter().filter(|operation| operation.is_audited());
    audited.any(|operation| operation.as_str() == text) || by_rest() || on_sockets() || in_rooms()
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
