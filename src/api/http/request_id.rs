//! An id for each request, in the `X-Request-Id` header, in problems and in the log, so that an answer can be matched
//! with its log lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Id of a request. Always made by the server: an id that a client chose could put false lines into the log.
#[derive(Clone, Debug, Default)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Generator of request ids: the start time of the process and a counter, both in hexadecimal.
#[derive(Clone, Debug)]
pub struct RequestIds {
    start: u64,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    /// Creates a generator. `start` is the start time of the process, so that ids of different runs differ.
    pub fn new(start: u64) -> Self {
        Self {
            start,
            count: Arc::default(),
        }
    }

    /// Returns a new id.
    pub fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:x}-{count:x}", self.start).into())
    }
}

/// Layer that gives each request its id and a tracing span, and sets `X-Request-Id` on the answer.
pub async fn name(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.next();
    let span = tracing::info_span!("request", id = id.as_str(), method = %request.method());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER.clone(), value);
    }
    response
}
