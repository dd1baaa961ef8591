//! `/healthz`: the process answers. `/readyz`: the database, WhatsApp and Matrix, each with its state.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::status;
use crate::bridge::Desk;
use crate::contract::{AliveView, DatabaseStateView, MatrixStateView, ReadyAccountView, ReadyView};
use crate::store::Store;

/// `GET /healthz`: answers 200 while the process runs. The only route of REST that needs no key.
pub async fn alive() -> Json<AliveView> {
    Json(AliveView {
        status: "ok".to_owned(),
    })
}

/// `GET /readyz`, scope `read`: answers 200 when the database answers and takes writes, else 503. The states of WhatsApp
/// and Matrix are in the body but do not change the status: accepted messages wait in the outbox until both are back.
pub async fn ready(State(store): State<Store>, State(desk): State<Desk>) -> (StatusCode, Json<ReadyView>) {
    let status = match status::gather(&store, &desk).await {
        Ok(status) => status,
        Err(error) => {
            tracing::warn!("not ready: {error}");
            let view = ReadyView {
                ready: false,
                database: database("unavailable"),
                whatsapp: None,
                matrix: None,
            };
            return (StatusCode::SERVICE_UNAVAILABLE, Json(view));
        }
    };
    let writable = store.check_writable().await;
    if let Err(error) = &writable {
        tracing::warn!("not ready, nothing can be written: {error}");
    }
    let accounts = status.accounts.into_iter().map(|of| ReadyAccountView {
        name: of.account.name,
        state: of.account.state,
        detail: of.account.detail,
    });
    let view = ReadyView {
        ready: writable.is_ok(),
        database: database(if writable.is_ok() { "ready" } else { "unwritable" }),
        whatsapp: Some(accounts.collect()),
        matrix: Some(MatrixStateView {
            state: status.matrix.state,
        }),
    };
    let code = match writable {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(view))
}

fn database(state: &str) -> DatabaseStateView {
    DatabaseStateView {
        state: state.to_owned(),
    }
}
