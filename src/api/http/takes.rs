//! Refuses what a route does not read of a request; the extractors of its handler tell what it reads. A `dry_run` that nobody
//! looks at would send, a condition that nobody checks would be taken for one that held, and bytes of an encoding that nobody
//! undoes would be stored as they are.

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};

use super::extract::{bytes, pointer_to};
use super::problem::{Code, Problem};
use crate::bridge::Refusal;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Parts of a request that a handler may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes(u8);

impl Takes {
    pub const NOTHING: Self = Self(0);
    /// Parameters of the query.
    pub const QUERY: Self = Self(1);
    /// A body.
    pub const BODY: Self = Self(1 << 1);
    /// The header `If-Match`.
    pub const IF_MATCH: Self = Self(1 << 2);

    /// Returns the parts of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, part: Self) -> bool {
        self.0 & part.0 == part.0
    }

    /// Refuses a query, headers and an encoding that the handler does not look at.
    fn check(self, method: &Method, query: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(query) = query.filter(|query| !query.is_empty() && !self.has(Self::QUERY)) {
            let name = form_urlencoded::parse(query.as_bytes()).next();
            let name = name.map(|(name, _)| name.into_owned()).unwrap_or_default();
            let detail = format!("unknown field `{name}`, this takes no parameters; remove it");
            return Err(Problem::new(Code::InvalidQuery, detail).at(pointer_to(&name)));
        }
        // A read changes nothing, so there is nothing that it could protect. A key for repetitions may come with every change:
        // where none is kept, a repetition does nothing more.
        let is_ignored = !method.is_safe() && !self.has(Self::IF_MATCH);
        if is_ignored && headers.contains_key(header::IF_MATCH) {
            let detail = "this compares no entity tags, so it would be done whatever has changed; leave the header \
                          `If-Match` out";
            return Err(Problem::new(Code::MalformedRequest, detail));
        }
        Ok(())
    }
}

/// Layer of each route that refuses what its handler does not read. Not of the router: a method that the path does not take
/// is refused for that.
pub async fn refuse(State(takes): State<Takes>, request: Request, next: Next) -> Response {
    match checked(takes, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn checked(takes: Takes, request: Request) -> Result<Request, Problem> {
    takes.check(request.method(), request.uri().query(), request.headers())?;
    if request.body().is_end_stream() {
        return Ok(request);
    }
    if is_encoded(request.headers()) {
        let detail = "the body is encoded, and this server takes it only as it is; send it without `Content-Encoding`";
        return Err(Problem::new(Code::UnsupportedEncoding, detail));
    }
    // A read changes nothing, so nothing in a body can be missed.
    if takes.has(Takes::BODY) || request.method().is_safe() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let unread = bytes(Request::from_parts(parts.clone(), body), &()).await?;
    check_empty(unread.trim_ascii())?;
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

/// Refuses a body that says anything. An empty object and a null, which some clients send with every request, say nothing.
fn check_empty(body: &[u8]) -> Result<(), Problem> {
    if body.is_empty() || body == b"null" {
        return Ok(());
    }
    match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(fields) => match fields.keys().next() {
            None => Ok(()),
            Some(name) => {
                let detail = format!("unknown field `{name}`, this takes no body; remove it");
                Err(Problem::wrong_field(&pointer_to(name), detail))
            }
        },
        Err(_) => Err(Problem::wrong_field("", "this takes no body; send none")),
    }
}

/// Returns whether the body has another encoding than none at all.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONTENT_ENCODING).iter();
    lines.any(|line| {
        let Ok(line) = line.to_str() else { return true };
        let mut names = line.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.any(|name| !name.eq_ignore_ascii_case("identity"))
    })
}

/// The header `Idempotency-Key` (rule 25); `None` when there is none. What a key may be, the desk says.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
        let key = keys.next();
        if keys.next().is_some() {
            let detail = "the idempotency key is there more than once; send it once";
            return Err(Problem::new(Code::BadIdempotencyKey, detail));
        }
        let key = key.map(|key| key.to_str().map(str::to_owned)).transpose();
        key.map(Self).map_err(|_| Refusal::BadIdempotencyKey.into())
    }
}
