//! The handles that the handlers use; each handler extracts only those that it needs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRef;

use super::access::guard::Hosts;
use super::access::{Access, AccessRules};
use super::desk::counts::Counts;
use super::watch::metrics::Metrics;
use super::ws::feed::Feed;
use super::ws::limits::SocketLimits;
use super::ws::seats::Seats;
use crate::bridge::Desk;
use crate::domain::Clock;
use crate::fetch::Fetcher;
use crate::store::Store;
use crate::supervisor::Supervisor;

/// Constructor arguments of [`ApiState`].
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub desk: Desk,
    pub clock: Arc<dyn Clock>,
    pub supervisor: Supervisor,
    /// Address that the server listens on; `Host` headers may name it.
    pub listen: SocketAddr,
    /// Other host names that clients may use for this server.
    pub allowed_hosts: Vec<String>,
    /// Origins of other servers' pages that may use the API.
    pub allowed_origins: Vec<String>,
    /// Fetches what clients name by its address.
    pub fetcher: Fetcher,
    /// Bounds of each WebSocket.
    pub limits: SocketLimits,
    /// Rules for all callers.
    pub rules: AccessRules,
}

/// State of the router. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(super) store: Store,
    pub(super) desk: Desk,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) supervisor: Supervisor,
    access: Access,
    pub(super) metrics: Metrics,
    pub(super) hosts: Hosts,
    pub(super) fetcher: Fetcher,
    pub(super) limits: SocketLimits,
    pub(super) seats: Seats,
    pub(super) feed: Feed,
    counts: Counts,
}

impl ApiState {
    /// Creates the state with fresh metrics.
    pub fn new(parts: Parts) -> Self {
        Self {
            hosts: Hosts::new(parts.listen, &parts.allowed_hosts).with_origins(&parts.allowed_origins),
            fetcher: parts.fetcher,
            access: Access::new(
                parts.store.clone(),
                parts.clock.clone(),
                parts.supervisor.clone(),
                parts.rules,
            ),
            feed: Feed::new(parts.store.clone()),
            seats: Seats::new(parts.limits),
            counts: Counts::default(),
            store: parts.store,
            desk: parts.desk,
            clock: parts.clock,
            supervisor: parts.supervisor,
            limits: parts.limits,
            metrics: Metrics::new(),
        }
    }

    /// Returns the handle that checks keys.
    pub fn access(&self) -> Access {
        self.access.clone()
    }
}

impl FromRef<ApiState> for Access {
    fn from_ref(state: &ApiState) -> Self {
        state.access.clone()
    }
}

impl FromRef<ApiState> for Store {
    fn from_ref(state: &ApiState) -> Self {
        state.store.clone()
    }
}

impl FromRef<ApiState> for Desk {
    fn from_ref(state: &ApiState) -> Self {
        state.desk.clone()
    }
}

impl FromRef<ApiState> for Arc<dyn Clock> {
    fn from_ref(state: &ApiState) -> Self {
        state.clock.clone()
    }
}

impl FromRef<ApiState> for Counts {
    fn from_ref(state: &ApiState) -> Self {
        state.counts.clone()
    }
}

impl FromRef<ApiState> for Metrics {
    fn from_ref(state: &ApiState) -> Self {
        state.metrics.clone()
    }
}

impl FromRef<ApiState> for Supervisor {
    fn from_ref(state: &ApiState) -> Self {
        state.supervisor.clone()
    }
}
