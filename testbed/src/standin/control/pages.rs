//! Control of pages and faults over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::standin::faults::{LoseAnswer, Network};
use crate::standin::net::service::Service;
use crate::standin::net::wire::ToPage;
use crate::standin::options::KeyLayout;
use crate::standin::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    network: Option<Network>,
    answer_delay_ms: Option<u64>,
    media_delay_ms: Option<u64>,
    history_delay_ms: Option<u64>,
    lose_answers: Option<u32>,
    lose_how: Option<LoseAnswer>,
    refuse_sends: Option<u32>,
    refuse_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    event: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stall {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    chats: usize,
    messages_each: usize,
    oldest_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionsChange {
    hidden_modules: Option<Vec<String>>,
    history_first: Option<usize>,
    key_layout: Option<KeyLayout>,
    settle_ms: Option<u64>,
    qr_codes: Option<usize>,
    qr_first_ms: Option<u64>,
    qr_next_ms: Option<u64>,
    pairing_code_life_ms: Option<u64>,
    lid_migrated: Option<bool>,
}

/// Returns the routes for pages and faults.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/faults", post(faults))
        .route("/pages/reload", post(reload))
        .route("/pages/drop", post(drop_sockets))
        .route("/pages/freeze", post(freeze))
        .route("/pages/stall", post(stall))
        .route("/options", post(options))
        .route("/history", post(history))
}

async fn faults(State(service): State<Arc<Service>>, Json(change): Json<Change>) -> Json<Value> {
    service.with(|world| {
        let faults = &mut world.faults;
        faults.answer_delay = change
            .answer_delay_ms
            .map_or(faults.answer_delay, Duration::from_millis);
        faults.media_delay = change.media_delay_ms.map_or(faults.media_delay, Duration::from_millis);
        faults.history_delay = change
            .history_delay_ms
            .map_or(faults.history_delay, Duration::from_millis);
        faults.lose_answers = change.lose_answers.unwrap_or(faults.lose_answers);
        faults.lose_how = change.lose_how.unwrap_or(faults.lose_how);
        faults.refuse_sends = change.refuse_sends.unwrap_or(faults.refuse_sends);
        faults.refuse_code = change.refuse_code.unwrap_or(faults.refuse_code);
        if let Some(network) = change.network {
            world.set_network(network);
        }
        Json(json!(world.faults))
    })
}

async fn reload(State(service): State<Arc<Service>>) -> Json<Value> {
    service.with(|world| world.tell_pages(&ToPage::Reload));
    Json(json!({}))
}

async fn drop_sockets(State(service): State<Arc<Service>>) -> Json<Value> {
    service.with(World::hang_up_all);
    Json(json!({}))
}

async fn freeze(State(service): State<Arc<Service>>, Json(body): Json<Event>) -> Json<Value> {
    service.with(|world| world.tell_pages(&ToPage::Freeze { event: body.event }));
    Json(json!({}))
}

async fn stall(State(service): State<Arc<Service>>, Json(body): Json<Stall>) -> Json<Value> {
    service.with(|world| world.tell_pages(&ToPage::Stall { ms: body.ms }));
    Json(json!({}))
}

async fn history(State(service): State<Arc<Service>>, Json(fill): Json<Fill>) -> Json<Value> {
    let oldest = Duration::from_secs(fill.oldest_s);
    let customers = service.with(|world| world.fill_history(fill.chats, fill.messages_each, oldest));
    Json(json!({ "customers": customers }))
}

async fn options(State(service): State<Arc<Service>>, Json(change): Json<OptionsChange>) -> Json<Value> {
    service.with(|world| {
        let options = &mut world.options;
        options.key_layout = change.key_layout.unwrap_or(options.key_layout);
        options.settle = change.settle_ms.map_or(options.settle, Duration::from_millis);
        options.qr_codes = change.qr_codes.unwrap_or(options.qr_codes);
        options.qr_first = change.qr_first_ms.map_or(options.qr_first, Duration::from_millis);
        options.qr_next = change.qr_next_ms.map_or(options.qr_next, Duration::from_millis);
        let life = change.pairing_code_life_ms;
        options.pairing_code_life = life.map_or(options.pairing_code_life, Duration::from_millis);
        options.lid_migrated = change.lid_migrated.unwrap_or(options.lid_migrated);
        options.history_first = change.history_first.unwrap_or(options.history_first);
        if let Some(hidden) = change.hidden_modules {
            options.hidden_modules = hidden;
        }
    });
    Json(json!({}))
}
