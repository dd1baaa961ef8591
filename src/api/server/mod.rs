//! Serves the API on a listener until the program ends. Every resource that a client without a key can hold is bounded
//! here: the time and the bytes of a request's head, the time that a body or an answer may stall, and the number of
//! connections.

mod body;
pub mod descriptors;
pub mod wire;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::homeserver;
use super::router::router;
use super::state::ApiState;
use crate::domain::app_service::AppService;
use body::Patient;
use descriptors::Descriptors;
use wire::{Wire, WireIo};

/// Maximum time for running requests to end after the shutdown has begun.
const FAREWELL: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes. A larger one is answered with 431.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Most header fields of a request.
const MAX_HEADERS: usize = 64;
/// Largest buffer of a connection for reading and for writing, in bytes.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// Connections that the system accepts before we do. The kernel lowers it to `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// Bytes that the system buffers for a client. Left to itself it buffers megabytes for each, which are read, written as
/// JSON and then held for clients that may never read them.
const SEND_BUFFER: u32 = 256 * 1024;
/// File descriptors that are kept for the database, the vault and the browsers.
const RESERVED_DESCRIPTORS: u64 = 256;
/// Connections that are always allowed, however few descriptors there are.
const MIN_CONNECTIONS: usize = 16;
/// Pause after the system refused to accept a connection, for example because there are no descriptors left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Answer to a client that comes when all connections are taken.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";

/// Bounds of all connections. The defaults are for production; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Greatest number of open connections. It is lowered where the process may not open as many files.
    pub connections: usize,
    /// Maximum time for a client to send the head of its next request. Idle connections are closed after it as well.
    pub head_within: Duration,
    /// Maximum time for a client to send the next piece of a request's body.
    pub body_within: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_within: Duration::from_secs(30),
            body_within: Duration::from_mins(1),
        }
    }
}

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    limits: ConnectionLimits,
    app_service: Option<Arc<dyn AppService>>,
}

impl Server {
    /// Binds the address.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // A server that has just ended leaves connections behind that would keep the address from being bound.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        // Connections inherit it.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        Ok(Self {
            listener: socket.listen(BACKLOG)?,
            limits: ConnectionLimits::default(),
            app_service: None,
        })
    }

    /// Sets the bounds of connections.
    #[must_use]
    pub const fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves what the homeserver calls as well.
    #[must_use]
    pub fn with_app_service(mut self, service: Option<Arc<dyn AppService>>) -> Self {
        self.app_service = service;
        self
    }

    /// Returns the bound address, with the real port where port 0 was asked for.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves the API until `stopping`, then lets running requests end within `FAREWELL`.
    pub async fn run(self, state: ApiState, stopping: CancellationToken) -> anyhow::Result<()> {
        let max = affordable(self.limits.connections);
        state
            .metrics
            .connections_max
            .set(i64::try_from(max).unwrap_or(i64::MAX));
        let mut router = router(state.clone());
        if let Some(service) = self.app_service.clone() {
            router = router.merge(homeserver::routes(service, state.metrics.clone()));
        }
        let feed = state.feed.clone();
        tokio::select! {
            done = self.serve(router, state, stopping) => done,
            never = feed.run() => match never {},
        }
    }

    /// Serves what the homeserver calls, and nothing else, as [`Self::run`] does.
    pub async fn run_app_service(
        self,
        service: Arc<dyn AppService>,
        state: ApiState,
        stopping: CancellationToken,
    ) -> anyhow::Result<()> {
        let router = homeserver::routes(service, state.metrics.clone());
        self.serve(router, state, stopping).await
    }

    async fn serve(self, router: Router, state: ApiState, stopping: CancellationToken) -> anyhow::Result<()> {
        let max = affordable(self.limits.connections);
        let places = Arc::new(Semaphore::new(max));
        let supervisor = state.supervisor.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopping.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if !is_of_client(&error) {
                        tracing::warn!("no connection can be accepted: {error}");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                state.metrics.connections_refused.inc();
                let _ = stream.try_write(FULL);
                continue;
            };
            let connection = Connection {
                peer,
                place: Place::new(place, &state),
                router: router.clone(),
                limits: self.limits,
                stopping: stopping.clone(),
            };
            supervisor.spawn_short("connection", connection.serve(stream));
        }
        drop(self.listener);
        // A long export or wait is cut off; its client sees an incomplete answer.
        let all = u32::try_from(max).unwrap_or(u32::MAX);
        let _ = timeout(FAREWELL, places.acquire_many(all)).await;
        Ok(())
    }
}

/// A connection's place among those that may be open, given back when the connection is closed.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    open: prometheus_client::metrics::gauge::Gauge,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit, state: &ApiState) -> Self {
        let open = state.metrics.connections.clone();
        open.inc();
        Self { _permit: permit, open }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Returns the number of connections for which there are descriptors.
fn affordable(wanted: usize) -> usize {
    let Some(Descriptors { limit, .. }) = descriptors::now() else {
        return wanted.max(1);
    };
    let left = usize::try_from(limit.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX);
    wanted.min(left.max(MIN_CONNECTIONS)).clamp(1, Semaphore::MAX_PERMITS)
}

/// Returns whether an error of `accept` is about that one connection.
fn is_of_client(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// A connection that was accepted.
struct Connection {
    peer: SocketAddr,
    place: Place,
    router: Router,
    limits: ConnectionLimits,
    stopping: CancellationToken,
}

impl Connection {
    /// Serves the connection to its end. An upgraded connection lives on in its own task, with its place.
    async fn serve(self, stream: TcpStream) {
        let Self {
            peer,
            router,
            limits,
            stopping,
            ..
        } = self;
        // Answers are small and complete when they are written: waiting for more to send only delays them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let wire = Wire::new(stream, self.place);
        let io = TokioIo::new(WireIo::new(wire.clone()));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (router, wire) = (router.clone(), wire.clone());
            async move {
                let mut request: Request = request.map(|body| Body::new(Patient::new(body, limits.body_within)));
                request.extensions_mut().insert(ConnectInfo(peer));
                request.extensions_mut().insert(wire);
                router.oneshot(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_within)
            .max_header_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(io, service)
            .with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                timeout(FAREWELL, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!("a connection of {peer} ended: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Otherwise a frame waits until the client has acknowledged the one before, which takes it up to 40 ms.
    #[tokio::test]
    async fn accepted_connection_delays_no_answer() {
        let told = async |Extension(wire): Extension<Wire>| wire.is_without_delay().to_string();
        let places = Arc::new(Semaphore::new(1));
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut client = TcpStream::connect(server.address().unwrap()).await.unwrap();
        let (stream, peer) = server.listener.accept().await.unwrap();
        assert!(!stream.nodelay().unwrap(), "it does not come by itself");
        let connection = Connection {
            peer,
            place: Place {
                _permit: places.try_acquire_owned().unwrap(),
                open: prometheus_client::metrics::gauge::Gauge::default(),
            },
            router: Router::new().route("/", get(told)),
            limits: server.limits,
            stopping: CancellationToken::new(),
        };
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let asking = async {
            client.write_all(request).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (answer, ()) = tokio::join!(asking, connection.serve(stream));
        assert!(answer.ends_with("\r\n\r\ntrue"), "{answer}");
    }
}
