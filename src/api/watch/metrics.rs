//! `/metrics`: counters that are updated as things happen, and gauges that are read from the database for each request.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::tallies::Tallies;
use super::{process, status};
use crate::api::access::guard::METHODS;
use crate::api::http::problem::Problem;
use crate::api::openapi::answers::{OpenMetrics, Shaped};
use crate::bridge::Desk;
use crate::contract::{AccountStatusView, EventType};
use crate::domain::rights::Sight;
use crate::domain::vitals::Deafness;
use crate::domain::{AccountId, Clock};
use crate::store::Store;

/// Upper bounds of the latency histogram's buckets, in seconds.
const LATENCY_SECONDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// Labels of [`METHODS`], in their order.
const METHOD_NAMES: [&str; METHODS.len()] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    /// A known method, never the client's own text.
    method: &'static str,
    /// The route's pattern, never the path, which contains ids.
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    /// `type` of the events.
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkLabels {
    target: String,
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabels {
    account: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabels {
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeafLabels {
    account: String,
    how: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MediaLabels {
    state: String,
}

/// The counters. Cheap to clone; clones share the counts.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RouteLabels, Counter>,
    latency: Histogram,
    tallies: Tallies,
    /// Number of requests without a valid key. They are in no other metric: whoever has no key makes no series.
    unauthenticated: Counter,
    /// Number of open connections.
    pub connections: Gauge,
    /// Number of connections that may be open.
    pub connections_max: Gauge,
    /// Number of connections that were turned away because too many were open.
    pub connections_refused: Counter,
    /// Number of open WebSocket connections.
    pub sockets: Gauge,
    /// Number of open event streams.
    pub streams: Gauge,
    /// Number of events written to WebSocket connections and event streams.
    pub events_sent: Counter,
    /// Number of WebSocket connections closed because the client did not read.
    pub slow_consumers: Counter,
    /// Number of transactions of the homeserver that were stored.
    pub pushes: Counter,
    /// Number of requests to the application service with a wrong token.
    pub refused_pushes: Counter,
    /// Number of pushed events that could not be read and were left out.
    pub unreadable_events: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Creates the counters and registers them.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("crm");
        let requests = Family::<RouteLabels, Counter>::default();
        let latency = Histogram::new(LATENCY_SECONDS);
        let (sockets, events_sent, slow_consumers) = (Gauge::default(), Counter::default(), Counter::default());
        let (unauthenticated, connections_refused) = (Counter::default(), Counter::default());
        let (connections, connections_max) = (Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer", latency.clone());
        registry.register(
            "http_unauthenticated_requests",
            "Requests without a valid key",
            unauthenticated.clone(),
        );
        registry.register("connections", "Connections open", connections.clone());
        registry.register(
            "connections_max",
            "Connections that may be open",
            connections_max.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections turned away because too many were open",
            connections_refused.clone(),
        );
        registry.register("websocket_connections", "WebSocket connections open", sockets.clone());
        let streams = Gauge::default();
        registry.register("event_streams", "Event streams (SSE) open", streams.clone());
        registry.register(
            "websocket_events",
            "Events written to WebSockets and event streams",
            events_sent.clone(),
        );
        registry.register(
            "websocket_slow_consumers",
            "WebSocket connections closed because they did not read",
            slow_consumers.clone(),
        );
        let (pushes, refused_pushes, unreadable_events) = (Counter::default(), Counter::default(), Counter::default());
        registry.register(
            "matrix_transactions",
            "Transactions of the homeserver that were stored",
            pushes.clone(),
        );
        registry.register(
            "matrix_refused_requests",
            "Requests to the application service with a wrong token",
            refused_pushes.clone(),
        );
        registry.register(
            "matrix_unreadable_events",
            "Events pushed by the homeserver that could not be read and were left out",
            unreadable_events.clone(),
        );
        Self {
            registry: Arc::new(registry),
            requests,
            latency,
            tallies: Tallies::default(),
            unauthenticated,
            connections,
            connections_max,
            connections_refused,
            sockets,
            streams,
            events_sent,
            slow_consumers,
            pushes,
            refused_pushes,
            unreadable_events,
        }
    }
}

/// Returns a name for the method that is one of ten.
fn label(method: &Method) -> &'static str {
    let known = METHODS.iter().position(|known| known == method);
    known.and_then(|at| METHOD_NAMES.get(at)).copied().unwrap_or("other")
}

/// Layer that counts requests and measures their latency.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let method = label(request.method());
    let response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        metrics.unauthenticated.inc();
        return response;
    }
    metrics.latency.observe(started.elapsed().as_secs_f64());
    metrics
        .requests
        .get_or_create(&RouteLabels {
            method,
            route,
            status: response.status().as_u16(),
        })
        .inc();
    response
}

/// `GET /metrics`, scope `read`: returns all metrics in the text format of Open Metrics.
pub async fn show(
    State(metrics): State<Metrics>,
    State(store): State<Store>,
    State(desk): State<Desk>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Shaped<OpenMetrics>, Problem> {
    let now = clock.now();
    let status = status::gather(&store, &desk, &Sight::default()).await?;
    let mut registry = Registry::with_prefix("crm");
    let (waiting, oldest) = (
        Family::<WorkLabels, Gauge>::default(),
        Family::<WorkLabels, Gauge>::default(),
    );
    for work in &status.outbox.waiting {
        let labels = WorkLabels {
            target: work.target.to_string(),
            account: name_of(&status.accounts, work.account_id),
        };
        waiting.get_or_create(&labels).set(saturated(work.waiting));
        oldest
            .get_or_create(&labels)
            .set(saturated(now.since(work.oldest).as_secs()));
    }
    let accounts = Family::<AccountLabels, Gauge>::default();
    let (recovered, imported) = (
        Family::<NameLabels, Counter>::default(),
        Family::<NameLabels, Gauge>::default(),
    );
    for of in &status.accounts {
        let name = &of.account.name;
        let labels = AccountLabels {
            account: name.clone(),
            state: of.account.state.to_string(),
        };
        accounts.get_or_create(&labels).set(1);
        let labels = NameLabels { account: name.clone() };
        if let Some(synced) = &of.sync {
            let total = u64::try_from(synced.recovered_total).unwrap_or(0);
            recovered.get_or_create(&labels).inc_by(total);
        }
        if let Some(history) = &of.history {
            imported.get_or_create(&labels).set(history.messages);
        }
    }
    vitals(&desk, &status.accounts, &mut registry);
    journal(&store, &mut registry);
    let caught_up: Counter = Counter::default();
    caught_up.inc_by(desk.caught_up_events());
    registry.register(
        "matrix_caught_up_events",
        "Events of rooms that were found after an absence of the homeserver, and not pushed yet",
        caught_up,
    );
    let (head, quarantined): (Gauge, Gauge) = (Gauge::default(), Gauge::default());
    head.set(status.database.head.0);
    quarantined.set(saturated(status.quarantined));
    let unknown: Gauge = Gauge::default();
    let tally = metrics.tallies.current(&store).await?;
    unknown.set(saturated(tally.unknown_messages));
    registry.register(
        "unknown_messages",
        "Messages of a kind that is not known; counted once a minute",
        unknown,
    );
    registry.register("outbox_waiting", "Pieces of work that wait", waiting);
    registry.register("outbox_oldest_seconds", "Age of the oldest piece of work", oldest);
    registry.register("account_state", "1 for the state that an account is in", accounts);
    registry.register("recovered_messages", "Messages found that had been missed", recovered);
    registry.register("history_messages", "Messages of the past that are imported", imported);
    registry.register("journal_head", "Number of the newest event", head);
    let media = Family::<MediaLabels, Gauge>::default();
    for (state, count) in tally.media {
        let state = state.to_string();
        media.get_or_create(&MediaLabels { state }).set(saturated(count));
    }
    registry.register(
        "media",
        "Pictures, voice notes, documents, by where they are; counted once a minute",
        media,
    );
    let exports = Family::<MediaLabels, Gauge>::default();
    for (state, count) in store.exports().count().await? {
        let state = state.to_string();
        exports.get_or_create(&MediaLabels { state }).set(saturated(count));
    }
    registry.register("exports", "Exports that are written to a file, by their state", exports);
    registry.register("quarantined", "Events that could not be stored", quarantined);

    let mut text = String::new();
    encode_registry(&mut text, &metrics.registry)
        .and_then(|()| encode_registry(&mut text, &registry))
        .and_then(|()| encode_registry(&mut text, &process::figures()))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|error| Problem::internal(&error.into()))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response().into())
}

/// Registers the counts of the journal's events: each thing that people, customers or the server did is one.
fn journal(store: &Store, registry: &mut Registry) {
    let events = Family::<EventLabels, Counter>::default();
    let committed = store.events_committed();
    for kind in EventType::ALL {
        let labels = EventLabels { kind: kind.as_str() };
        let count = committed.get(kind).copied().unwrap_or(0);
        events.get_or_create(&labels).inc_by(count);
    }
    registry.register("events", "Events of the journal that this process has written", events);
}

/// Registers the metrics of the accounts' browsers.
fn vitals(desk: &Desk, accounts: &[AccountStatusView], registry: &mut Registry) {
    let deaf = Family::<DeafLabels, Counter>::default();
    let [reloads, restarts] = [(); 2].map(|()| Family::<NameLabels, Counter>::default());
    let [browser, heap] = [(); 2].map(|()| Family::<NameLabels, Gauge>::default());
    for AccountStatusView { account, .. } in accounts {
        let Some(vitals) = desk.vitals(account.id) else {
            continue;
        };
        let name = NameLabels {
            account: account.name.clone(),
        };
        for how in Deafness::ALL {
            let labels = DeafLabels {
                account: account.name.clone(),
                how: how.to_string(),
            };
            let count = vitals.deaf.get(how).copied().unwrap_or(0);
            deaf.get_or_create(&labels).inc_by(count);
        }
        reloads.get_or_create(&name).inc_by(vitals.reloads);
        restarts.get_or_create(&name).inc_by(vitals.restarts);
        if let Some(bytes) = vitals.browser_bytes {
            browser.get_or_create(&name).set(saturated(bytes));
        }
        if let Some(bytes) = vitals.heap_bytes {
            heap.get_or_create(&name).set(saturated(bytes));
        }
    }
    registry.register("deaf", "Times that a page was connected and heard nothing", deaf);
    registry.register("page_reloads", "Times that a page was loaded anew", reloads);
    registry.register("browser_restarts", "Times that a browser was started anew", restarts);
    registry.register("browser_memory_bytes", "Memory of a browser's processes", browser);
    registry.register("page_heap_bytes", "Size of a page's script heap", heap);
}

/// Returns an account's name, or its id if the account is gone: work for rooms outlives its account.
fn name_of(accounts: &[AccountStatusView], id: AccountId) -> String {
    let known = accounts.iter().find(|of| of.account.id == id);
    known.map_or_else(|| id.to_string(), |of| of.account.name.clone())
}

fn saturated(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_is_never_the_clients_text() {
        for (method, name) in METHODS.iter().zip(METHOD_NAMES) {
            assert_eq!((label(method), method.as_str()), (name, name));
        }
        for own in ["get", "BREW", "M1AAAA"] {
            assert_eq!(label(&own.parse().unwrap()), "other");
        }
    }
}
