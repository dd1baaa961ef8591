//! The routes, their scopes, and the layers that every request passes.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, patch, post, put};
use tower::util::option_layer;

use super::access::{auth, cors, guard};
use super::customers::{consent, merges};
use super::desk::{agents, counts, labels, notes, work};
use super::http::problem::{Code, Problem};
use super::http::request_id::RequestIds;
use super::http::{extract, problem, request_id};
use super::messages::revisions;
use super::state::ApiState;
use super::watch::{health, metrics, status};
use super::{
    MAX_BODY_BYTES, accounts, audit, backup, conversations, customers, export, history, keys, media, messages, outbox,
    quarantine, seed, sse, ws,
};
use crate::contract::Scope;

/// Builds the router of the whole API: `/healthz` and the WebSocket, which check their own access, and the routes that
/// need a key.
pub fn router(state: ApiState) -> Router {
    let ids = RequestIds::new(state.clock.now().0.unsigned_abs());
    let hosts = state.hosts.clone();
    let measures = state.metrics.clone();
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/api/v1/ws", get(ws::open))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(extract::no_query))
        .merge(protected(&state))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(option_layer(cors::layer(&hosts)))
        .layer(from_fn_with_state(measures, metrics::measure))
        .layer(from_fn_with_state(hosts, guard::guard))
        .layer(from_fn(problem::render))
        .layer(from_fn_with_state(ids, request_id::name))
        .with_state(state)
}

/// Returns the routes that need a key, grouped by the scope that they need.
fn protected(state: &ApiState) -> Router<ApiState> {
    let scope = |scope| from_fn_with_state((state.access(), scope), auth::require);
    read()
        .route_layer(scope(Scope::Read))
        .merge(send().route_layer(scope(Scope::Send)))
        .merge(manage().route_layer(scope(Scope::Manage)))
        .merge(admin().route_layer(scope(Scope::Admin)))
        .fallback(not_found)
        // Within the check of the key: without one nobody learns which methods a path takes.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(extract::no_query))
        .layer(from_fn_with_state(state.access(), auth::authenticate))
}

fn read() -> Router<ApiState> {
    Router::new()
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/api/v1/status", get(status::show))
        .route("/api/v1/accounts", get(accounts::list))
        .route("/api/v1/accounts/{name}", get(accounts::view))
        .route("/api/v1/accounts/{name}/history", get(history::show))
        .route("/api/v1/accounts/{name}/sync", get(history::synced))
        .route("/api/v1/outbox", get(outbox::show))
        .route("/api/v1/customers", get(customers::list))
        .route("/api/v1/customers/{id}", get(customers::view))
        .route("/api/v1/customers/{id}/identities", get(customers::identities))
        .route("/api/v1/customers/{id}/merges", get(merges::list))
        .route("/api/v1/merges/{id}", get(merges::view))
        .route("/api/v1/conversations", get(conversations::list))
        .route("/api/v1/conversations/counts", get(counts::show))
        .route("/api/v1/conversations/{id}", get(conversations::view))
        .route("/api/v1/conversations/{id}/notes", get(notes::list))
        .route("/api/v1/notes/{id}", get(notes::view))
        .route("/api/v1/labels", get(labels::list))
        .route("/api/v1/labels/{name}", get(labels::view))
        .route("/api/v1/conversations/{id}/messages", get(messages::list))
        .route("/api/v1/messages/{id}", get(messages::view))
        .route("/api/v1/media/{id}", get(media::content))
        .route("/api/v1/media/{id}/info", get(media::view))
        .route("/api/v1/media/{id}/thumbnail", get(media::thumbnail))
        .route("/api/v1/export/messages", get(export::messages))
        .route("/api/v1/export/customers", get(export::customers))
        .route("/api/v1/events", get(sse::show))
        .route("/api/v1/agents", get(agents::list))
        .route("/api/v1/agents/{id}", get(agents::view))
        .route("/customers/summary", get(seed::customers::summary))
        .route("/messages/{customer_id}", get(seed::messages::list))
        .route("/messages/events/stream", get(seed::events::stream))
}

fn send() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/messages", post(messages::create))
        .route("/api/v1/media", post(media::upload))
        .route("/api/v1/media/{id}/fetch", post(media::fetch))
        .route(
            "/api/v1/messages/{id}",
            patch(revisions::edit).delete(revisions::delete),
        )
        .route(
            "/api/v1/messages/{id}/reaction",
            put(revisions::react).delete(revisions::take_back),
        )
        .route("/api/v1/messages/{id}/release", post(messages::release))
        .route("/api/v1/messages/{id}/cancel", post(messages::cancel))
        .route("/api/v1/conversations/{id}/read", post(conversations::mark_read))
        .route("/api/v1/conversations/{id}/assign", post(work::assign))
        .route("/api/v1/conversations/{id}/status", post(work::set_status))
        .route("/api/v1/conversations/{id}/notes", post(notes::create))
        .route("/api/v1/notes/{id}", delete(notes::delete))
        .route(
            "/api/v1/conversations/{id}/labels/{name}",
            put(work::put_label).delete(work::take_label),
        )
        .route("/api/v1/customers", post(customers::create))
        .route("/api/v1/customers/{id}", patch(customers::edit))
        .route("/api/v1/customers/{id}/opt-out", post(consent::opt_out))
        .route("/customers/photo", post(seed::customers::photo))
        .route("/messages/send", post(seed::messages::send))
        .route("/messages/inbox", post(seed::gateway::inbox))
        .route("/messages/ack", post(seed::gateway::ack))
}

fn manage() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/messages/{id}/retry", post(messages::retry))
        .route("/api/v1/labels", post(labels::create))
        .route("/api/v1/labels/{name}", patch(labels::edit).delete(labels::delete))
        .route("/api/v1/messages/{id}/resolve", post(messages::resolve))
        .route("/api/v1/customers/{id}/opt-in", post(consent::opt_in))
        .route("/api/v1/accounts/{name}/session", get(accounts::session))
        .route("/api/v1/accounts/{name}/login", post(accounts::login))
        .route("/api/v1/accounts/{name}/logout", post(accounts::logout))
        .route("/api/v1/accounts/{name}/takeover", post(accounts::take_over))
        .route("/api/v1/accounts/{name}/release", post(accounts::release))
        .route("/api/v1/customers/{id}/merge", post(merges::create))
        .route("/api/v1/merges/{id}/undo", post(merges::undo))
        .route("/api/v1/accounts/{name}/history", post(history::ask))
        .route("/api/v1/accounts/{name}/sync", post(history::sync))
        .route("/api/v1/quarantine", get(quarantine::list))
        .route("/api/v1/quarantine/replay", post(quarantine::replay))
        .route("/api/v1/outbox/resume", post(outbox::resume))
        .route("/tables", get(seed::tables::list))
        .route("/tables/{name}", get(seed::tables::show))
}

fn admin() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/accounts", post(accounts::create))
        .route("/api/v1/accounts/{name}", delete(accounts::remove))
        .route("/api/v1/accounts/{name}/rebind", post(accounts::rebind))
        .route("/api/v1/keys", get(keys::list).post(keys::create))
        .route("/api/v1/keys/{id}", get(keys::view))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/keys/{id}/revoke", post(keys::revoke))
        .route("/api/v1/keys/{id}/rotate", post(keys::rotate))
        .route("/api/v1/agents", post(agents::create))
        .route("/api/v1/agents/{id}", patch(agents::edit))
        .route("/api/v1/clock/confirm", post(status::confirm_clock))
        .route("/api/v1/backup", get(backup::download))
}

async fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is nothing at this path; the API is under /api/v1",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "this path does not take that method; the Allow header lists those it takes",
    )
}
