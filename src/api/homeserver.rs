//! What a Matrix homeserver calls when we are an application service: transactions, a ping, and whether a user or an alias is
//! ours. Its token is no key of the API, its errors are Matrix's, and pages cannot call it: it is outside the layers of the
//! API.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use tokio::sync::Semaphore;

use super::watch::metrics::Metrics;
use crate::contract::{Empty, MatrixErrorView};
use crate::domain::app_service::{AppService, Pushed};

/// Largest transaction, in bytes. Synapse pushes at most a hundred events of 64 KiB and their receipts at a time.
const MAX_TRANSACTION_BYTES: usize = 32 << 20;
/// How long a transaction waits for the one before it. One is in memory at a time.
const TURN_WITHIN: Duration = Duration::from_secs(30);
/// Seconds after which a homeserver is to try again.
const AGAIN: &str = "1";

#[derive(Clone)]
struct Caller {
    service: Arc<dyn AppService>,
    metrics: Metrics,
    turn: Arc<Semaphore>,
}

/// Returns the routes that the homeserver calls.
pub fn routes(service: Arc<dyn AppService>, metrics: Metrics) -> Router {
    let caller = Caller {
        service,
        metrics,
        turn: Arc::new(Semaphore::new(1)),
    };
    Router::new()
        .route("/_matrix/app/v1/transactions/{id}", put(transaction))
        .route("/_matrix/app/v1/ping", post(ping))
        .route("/_matrix/app/v1/users/{user}", get(user))
        .route("/_matrix/app/v1/rooms/{alias}", get(room))
        .layer(from_fn_with_state(caller.clone(), require_token))
        .with_state(caller)
}

/// Refuses whoever does not have the homeserver's token, before their body is read.
async fn require_token(State(caller): State<Caller>, request: Request, next: Next) -> Response {
    let token = bearer(request.headers());
    if token.is_some_and(|token| caller.service.is_homeserver(token)) {
        return next.run(request).await;
    }
    caller.metrics.refused_pushes.inc();
    // Not with what was sent: it may be a secret of somebody else.
    tracing::warn!(
        "refused a request to the application service with a wrong token; `crm matrix check` says whether it is our homeserver's"
    );
    let (status, code) = match token {
        Some(_) => (StatusCode::FORBIDDEN, "M_FORBIDDEN"),
        None => (StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN"),
    };
    refusal(status, code, "this is not the hs_token of the registration")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// `PUT /_matrix/app/v1/transactions/{id}`: answers 200 when everything in it is stored. What is in it is no reason to refuse
/// it.
async fn transaction(State(caller): State<Caller>, Path(id): Path<String>, body: Body) -> Response {
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WITHIN, caller.turn.acquire()).await else {
        return later();
    };
    let Ok(body) = to_bytes(body, MAX_TRANSACTION_BYTES).await else {
        tracing::error!(
            max = MAX_TRANSACTION_BYTES,
            "the homeserver pushed a transaction that is too long or was cut off; it pushes it again, and nothing else meanwhile"
        );
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "M_TOO_LARGE",
            "the transaction is too long or was cut off",
        );
    };
    match caller.service.push(&id, &body).await {
        Pushed::Stored { unreadable } => {
            caller.metrics.pushes.inc();
            caller.metrics.unreadable_events.inc_by(unreadable as u64);
            Json(Empty {}).into_response()
        }
        Pushed::NotNow => later(),
    }
}

/// `POST /_matrix/app/v1/ping`: the homeserver tries whether it reaches us.
async fn ping() -> Response {
    Json(Empty {}).into_response()
}

/// `GET /_matrix/app/v1/users/{user}`: answers 404 unless the user exists.
async fn user(State(caller): State<Caller>, Path(user): Path<String>) -> Response {
    if caller.service.has_user(&user) {
        Json(Empty {}).into_response()
    } else {
        refusal(StatusCode::NOT_FOUND, "M_NOT_FOUND", "there is no such user")
    }
}

/// `GET /_matrix/app/v1/rooms/{alias}`: we make our rooms ourselves, so that one of which somebody asks is none.
async fn room() -> Response {
    refusal(StatusCode::NOT_FOUND, "M_NOT_FOUND", "there is no such room")
}

fn later() -> Response {
    let text = "it cannot be stored now; push it again";
    let mut answer = refusal(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", text);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static(AGAIN));
    answer
}

fn refusal(status: StatusCode, errcode: &'static str, error: &'static str) -> Response {
    (status, Json(MatrixErrorView { errcode, error })).into_response()
}
