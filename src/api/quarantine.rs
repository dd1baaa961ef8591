//! `/quarantine`: what came from outside and could not be taken in. Its bytes hold people's words, so they are told to
//! `manage` only.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::accounts;
use super::extract::Query;
use super::pages::{self, Cursor, OrderWord, Paging};
use super::problem::Problem;
use crate::bridge::Desk;
use crate::domain::{AccountId, QuarantineId, Timestamp};
use crate::store::{Order, Page, QuarantineItem, Store};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    limit: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    /// By name or id.
    account: Option<String>,
}

/// An item as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quarantined {
    pub id: QuarantineId,
    /// `whatsapp` or `matrix`.
    pub source: String,
    pub account_id: Option<AccountId>,
    pub error: String,
    /// How often the same bytes came.
    pub times: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// The bytes, as far as they are text.
    pub content: String,
}

impl From<QuarantineItem> for Quarantined {
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

pub async fn list(State(store): State<Store>, uri: Uri, Query(list): Query<List>) -> Result<Response, Problem> {
    let paging = Paging {
        limit: list.limit,
        after: list.after,
        before: list.before,
        order: list.order,
    };
    let request = paging.request(Order::Ascending)?;
    let account = accounts::wanted(&store, list.account.as_deref()).await?;
    let page = store.quarantine(request, account).await?;
    let page = Page {
        data: page.data.into_iter().map(Quarantined::from).collect(),
        ends: page.ends,
        has_more: page.has_more,
    };
    Ok(pages::answer(page, request.order, &uri))
}

/// What became of a replay.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Replay {
    pub taken_in: usize,
    pub still_refused: usize,
}

/// Tries to take everything in again.
pub async fn replay(State(desk): State<Desk>) -> Result<Json<Replay>, Problem> {
    let replayed = desk.replay_quarantine().await?;
    Ok(Json(Replay {
        taken_in: replayed.taken_in,
        still_refused: replayed.still_refused,
    }))
}
