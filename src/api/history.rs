//! `/accounts/{name}/history`: the import of what is older than the first login. `/accounts/{name}/sync`: comparing with the
//! page now, and what the last comparison has found.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;

use super::accounts::{account, in_use, wait};
use super::extract::{Body, Path};
use super::messages;
use super::problem::{Code, Problem};
use super::state::ApiState;
use crate::bridge::SendTo;
use crate::domain::history::{History, HistoryDepth, Synced};
use crate::domain::{ConversationId, CustomerId};

/// How much history is wanted.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub depth: HistoryDepth,
}

/// A chat that is to be compared: one of these, or none for all of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
}

impl SyncRequest {
    fn chat(&self) -> Result<Option<SendTo>, Problem> {
        if self.to.is_none() && self.customer_id.is_none() && self.conversation_id.is_none() {
            return Ok(None);
        }
        messages::addressee(self.to.as_deref(), self.customer_id, self.conversation_id).map(Some)
    }
}

pub async fn show(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<History>, Problem> {
    let account = account(&state.store, &name).await?;
    let history = state.store.history(account.id).await?;
    history
        .map(Json)
        .ok_or_else(|| Problem::not_found("import of history of", name))
}

/// Imports as deep as this, if it is deeper than before, and looks again at what had nothing more.
pub async fn ask(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Body(ask): Body<Ask>,
) -> Result<Response, Problem> {
    let account = in_use(&state.store, &name).await?;
    let history = state.desk.ask_history(account.id, ask.depth).await?;
    Ok((StatusCode::ACCEPTED, Json(history)).into_response())
}

/// What the last comparison has found.
pub async fn synced(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<Synced>, Problem> {
    let account = account(&state.store, &name).await?;
    let synced = state.store.synced(account.id).await?;
    synced
        .map(Json)
        .ok_or_else(|| Problem::not_found("comparison of", name))
}

/// Compares now: 200 with what that found, when it is done within `Prefer: wait`; else 202, and it goes on.
pub async fn sync(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(request): Body<SyncRequest>,
) -> Result<Response, Problem> {
    let account = in_use(&state.store, &name).await?;
    let asked_at = state.clock.now();
    let answered = state.desk.sync(account.id, request.chat()?).await?;
    match timeout(wait(&headers), answered).await {
        Ok(Ok(synced)) => Ok(Json(synced).into_response()),
        Ok(Err(_)) => Err(Problem::new(Code::Unavailable, "the account is not driven any more")),
        Err(_) => {
            let path = format!("/api/v1/accounts/{name}/sync");
            let headers = [(axum::http::header::LOCATION, path)];
            Ok((StatusCode::ACCEPTED, headers, Json(json!({ "asked_at": asked_at }))).into_response())
        }
    }
}
