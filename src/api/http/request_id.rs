//! A name for each request, given back in `X-Request-Id`, in problems and in the log, so that they can be put together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request. Always of our own making: a stranger's could not be trusted in a log.
#[derive(Clone, Debug, Default)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes ids: which start of the program, which request since then.
#[derive(Clone, Debug)]
pub struct RequestIds {
    start: u64,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    /// `start` tells this start of the program from others: its time.
    pub fn new(start: u64) -> Self {
        Self {
            start,
            count: Arc::default(),
        }
    }

    pub fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:x}-{count:x}", self.start).into())
    }
}

/// The layer that names requests.
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
