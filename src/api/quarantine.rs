//! `/quarantine`: what came from outside and could not be taken in. Its bytes hold people's words, so they are told to
//! `manage` only.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::accounts;
use super::http::listing::{Listed, Listing};
use super::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{QuarantineView, ReplayView};
use crate::store::{Order, QuarantineItem, Store};

#[derive(Deserialize)]
pub struct Filter {
    /// By name or id.
    account: Option<String>,
}

pub async fn list(State(store): State<Store>, list: Listing<Filter>) -> Result<Listed<QuarantineView>, Problem> {
    let request = list.page(Order::Ascending)?;
    let account = accounts::wanted(&store, list.filter.account.as_deref()).await?;
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

/// Tries to take everything in again.
pub async fn replay(State(desk): State<Desk>) -> Result<Json<ReplayView>, Problem> {
    let replayed = desk.replay_quarantine().await?;
    Ok(Json(ReplayView {
        taken_in: replayed.taken_in,
        still_refused: replayed.still_refused,
    }))
}
