//! `/healthz`: the process answers. `/readyz`: the database, WhatsApp and Matrix, each with its state.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::status;
use crate::api::http::problem::advice;
use crate::bridge::Desk;
use crate::contract::{AliveView, DatabaseStateView, MatrixStateView, ReadyAccountView, ReadyView};
use crate::domain::rights::Sight;
use crate::store::{Store, StoreError};

/// `GET /healthz`: answers 200 while the process runs. The only route of REST that needs no key.
pub async fn alive() -> Json<AliveView> {
    Json(AliveView {
        status: "ok".to_owned(),
    })
}

/// `GET /readyz`, scope `read`: answers 200 when the database answers and takes writes, else 503. The states of WhatsApp
/// and Matrix are in the body but do not change the status: accepted messages wait in the outbox until both are back.
pub async fn ready(
    State(store): State<Store>,
    State(desk): State<Desk>,
    sight: Sight,
) -> (StatusCode, Json<ReadyView>) {
    let writable = store.check_writable().await;
    if let Err(error) = &writable {
        tracing::warn!("not ready, nothing can be written: {error}");
    }
    // Nothing is counted here: this is asked each second.
    let accounts = match store.sights().accounts(&sight).await {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::warn!("not ready: {error}");
            let view = ReadyView {
                ready: false,
                // Why nothing can be written says more, such as that the file is gone.
                database: database("unavailable", Some(writable.as_ref().err().unwrap_or(&error))),
                whatsapp: None,
                matrix: None,
                media: None,
            };
            return (StatusCode::SERVICE_UNAVAILABLE, Json(view));
        }
    };
    let accounts = accounts.into_iter().map(|account| ReadyAccountView {
        name: account.name,
        kind: account.kind,
        state: account.state,
        detail: account.detail,
    });
    let view = ReadyView {
        ready: writable.is_ok(),
        database: match &writable {
            Ok(()) => database("ready", None),
            Err(error) => database("unwritable", Some(error)),
        },
        whatsapp: Some(accounts.collect()),
        matrix: Some(MatrixStateView {
            state: status::matrix(&desk).state,
        }),
        media: Some(status::media(&desk)),
    };
    let code = match writable {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(view))
}

fn database(state: &str, error: Option<&StoreError>) -> DatabaseStateView {
    DatabaseStateView {
        state: state.to_owned(),
        detail: error.and_then(advice).map(str::to_owned),
    }
}
