//! `/quarantine`: events from outside that could not be stored. Their bytes contain people's messages, so they need the
//! scope `manage`.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::accounts;
use super::http::listing::{Listed, Listing};
use super::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{QuarantineView, ReplayView};
use crate::domain::rights::Sight;
use crate::store::{Order, QuarantineItem, Store};

/// Filters of the list.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Account by name or id.
    account: Option<String>,
}

/// `GET /quarantine`, scope `manage`: lists the quarantined events, the oldest first.
pub async fn list(
    State(store): State<Store>,
    sight: Sight,
    list: Listing<Filter>,
) -> Result<Listed<QuarantineView>, Problem> {
    let request = list.page(Order::Ascending);
    let account = accounts::wanted(&store, &sight, list.filter.account.as_deref()).await?;
    let page = store.quarantine().page(request, account).await?;
    Ok(list.answer(request, page))
}

impl From<QuarantineItem> for QuarantineView {
    fn from(item: QuarantineItem) -> Self {
        Self {
            id: item.id,
            source: item.source,
            account_id: item.account_id,
            error: item.error,
            times: item.times,
            first_seen: item.first_seen,
            last_seen: item.last_seen,
            content: String::from_utf8_lossy(&item.bytes).into_owned(),
        }
    }
}

/// `POST /quarantine/replay`, scope `manage`: tries to store every quarantined event again. Returns how many were
/// stored and how many still failed.
pub async fn replay(State(desk): State<Desk>) -> Result<Json<ReplayView>, Problem> {
    let replayed = desk.replay_quarantine().await?;
    Ok(Json(ReplayView {
        taken_in: replayed.taken_in,
        still_refused: replayed.still_refused,
    }))
}
