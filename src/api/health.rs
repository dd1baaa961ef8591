//! `/healthz`: the process answers. `/readyz`: what it stands on, each with its state.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::status;
use crate::bridge::Desk;
use crate::store::Store;

/// Alive. The only answer that needs no key.
pub async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// Ready to take work: the database answers. WhatsApp or Matrix being away makes nobody else unable to work: what is
/// accepted waits for them, so they are told and do not decide.
pub async fn ready(State(store): State<Store>, State(desk): State<Desk>) -> Response {
    let status = match status::gather(&store, &desk).await {
        Ok(status) => status,
        Err(error) => {
            tracing::warn!("not ready: {error}");
            let body = json!({ "ready": false, "database": { "state": "unavailable" } });
            return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
        }
    };
    let accounts: Vec<_> = status
        .accounts
        .iter()
        .map(|of| json!({ "name": of.account.name, "state": of.account.state, "detail": of.account.detail }))
        .collect();
    Json(json!({
        "ready": true,
        "database": { "state": "ready" },
        "whatsapp": accounts,
        "matrix": { "state": status.matrix.state },
    }))
    .into_response()
}
