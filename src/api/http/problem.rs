//! Errors of the API: RFC 9457 `application/problem+json` with a stable `code`. One exhaustive mapping from the errors
//! of the layers below. Internal errors are logged once, here, and their text is never sent.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::request_id::RequestId;
use crate::bridge::Refusal;
pub use crate::contract::Code;
use crate::contract::{FieldError, MissedView, ProblemBody, hide_numbers};
use crate::domain::forward::NotForwarded;
use crate::domain::template::{FaultKind, TemplateFault};
use crate::store::StoreError;

/// Pause that a client is asked to make while something, such as the database, does not do its work.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// What is wrong, then what to do about it.
    pub detail: String,
    /// Wrong fields, each with a JSON pointer.
    pub errors: Vec<FieldError>,
    /// Value of the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// Messages that the author of a message had not seen.
    pub missed: Vec<MissedView>,
    /// Id of what an earlier request with the same idempotency key made.
    pub made: Option<i64>,
    /// Whether whoever asked sees no numbers of customers.
    pub hides_numbers: bool,
}

impl Problem {
    /// Creates a problem without field errors.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: vec![],
            retry_after: None,
            missed: vec![],
            made: None,
            hides_numbers: false,
        }
    }

    /// Creates a problem for a `what`, such as "customer", that does not exist.
    pub fn not_found(what: &str, which: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} {which}"))
    }

    /// Creates a problem with a wrong field of the body. `pointer` is a JSON pointer (RFC 6901).
    pub fn wrong_field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidBody, detail).at(pointer)
    }

    /// Adds a field error with the problem's own detail.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: self.detail.clone(),
        });
        self
    }

    /// Logs an internal error and creates a problem that does not reveal it.
    pub fn internal(error: &anyhow::Error) -> Self {
        tracing::error!("a request failed: {error:#}");
        Self::new(
            Code::Internal,
            "the server failed; its log says more under this request id",
        )
    }

    /// Returns the body, the same in REST and on the WebSocket. `instance` is the path of the request.
    pub fn body(&self, instance: &str, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:crm:problem:{}", self.code),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            code: self.code.to_string(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            missed: self.missed.clone(),
            retry_after_ms: self.retry_after.map(in_ms),
            id: self.made,
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::EmptyText => Self::new(Code::EmptyText, text).at("/content"),
            Refusal::TextTooLong { .. } | Refusal::SignedTextTooLong { .. } | Refusal::NoteTooLong { .. } => {
                Self::new(Code::TextTooLong, text).at("/content")
            }
            Refusal::WrongTime { pointer, .. } => Self::wrong_field(pointer, text),
            Refusal::NotSeenThere { .. } => Self::wrong_field("/seen_up_to", text),
            Refusal::Overtaken { missed } => Self {
                missed: missed.into_iter().map(Into::into).collect(),
                ..Self::new(Code::Overtaken, text)
            },
            Refusal::WrongField { pointer, .. } => Self::wrong_field(&pointer, text),
            Refusal::MadeBefore { id, .. } => Self {
                made: Some(id),
                ..Self::new(Code::Conflict, text)
            },
            Refusal::Template(fault) => of_template(fault),
            Refusal::EmptyName => Self::wrong_field("/name", text),
            Refusal::Changed(_) => Self::new(Code::PreconditionFailed, text),
            Refusal::NulInText => Self::wrong_field("/content", text),
            Refusal::NoSpace { .. } | Refusal::Full => Self::new(Code::InsufficientStorage, text),
            Refusal::EmptyFile => Self::new(Code::InvalidBody, text),
            Refusal::FileTooLarge { .. } => Self::new(Code::TooLarge, text),
            Refusal::NoThumbnail(_) => Self::new(Code::UnsupportedMediaType, text),
            Refusal::WrongFileKind(_) => Self::wrong_field("/media/kind", text),
            Refusal::NotAPicture => Self::wrong_field("/photo_url", text),
            Refusal::BadEmoji => Self::wrong_field("/emoji", text),
            Refusal::BadIdempotencyKey => Self::new(Code::BadIdempotencyKey, text),
            Refusal::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch, text),
            Refusal::NotFound { .. } => Self::new(Code::NotFound, text),
            Refusal::AmbiguousAccount { .. } => Self::new(Code::AmbiguousAccount, text).at("/account"),
            Refusal::OptedOut { .. } => Self::new(Code::OptedOut, text),
            Refusal::Conflict(_) | Refusal::NotForwarded(NotForwarded::NotFetched { .. }) => {
                Self::new(Code::Conflict, text)
            }
            Refusal::NotForwarded(_) => Self::wrong_field("", text),
            Refusal::Gone(_) => Self::new(Code::Gone, text),
            Refusal::Unavailable(_) => Self {
                retry_after: Some(TRY_AGAIN),
                ..Self::new(Code::Unavailable, text)
            },
            Refusal::Database(error) => error.into(),
            Refusal::Internal(error) => match error.downcast::<StoreError>() {
                Ok(error) => error.into(),
                Err(error) => Self::internal(&error),
            },
        }
    }
}

/// Returns whole milliseconds, rounded up: who comes then is not too early.
fn in_ms(after: Duration) -> u64 {
    u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn of_template(fault: TemplateFault) -> Problem {
    let code = match fault.kind {
        FaultKind::Wrong => Code::InvalidBody,
        FaultKind::Empty => Code::EmptyText,
        FaultKind::TooLong => Code::TextTooLong,
    };
    Problem::new(code, fault.detail).at(fault.pointer)
}

/// Returns what a client is told of a database that does not do its work, and what to do; `None` for other errors.
pub fn advice(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::Full(_) => {
            "the database has no room left; free some space on the server; nothing that was accepted is lost"
        }
        StoreError::ReadOnly(_) => {
            "the database cannot be written to; make its files and their folder writable for the server; nothing was stored"
        }
        StoreError::Disk(_) => {
            "the disk fails the database; check its health, whether it has become read-only, its quota and the limits of the \
             server's process; nothing that was accepted is lost"
        }
        StoreError::Gone(_) => {
            "the file of the database was deleted, moved or replaced while the server runs; put it back, or stop the server \
             and restore a backup; nothing was stored"
        }
        StoreError::Unreachable(_) | StoreError::Busy(_) => "the database does not answer just now; try again",
        _ => return None,
    })
}

/// Maps an error of the database. Its address and its own error text are only logged.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let Some(advice) = advice(&error) {
            tracing::error!("a request failed: {error}");
            return Self {
                retry_after: Some(TRY_AGAIN),
                ..Self::new(Code::Unavailable, advice)
            };
        }
        match &error {
            StoreError::Closed => Self::new(Code::Unavailable, "the server is stopping; try again later"),
            StoreError::BackupRunning => Self::new(Code::Conflict, error.to_string()),
            StoreError::Unstorable(_) => Self::new(Code::InvalidBody, error.to_string()),
            StoreError::Conflict(_) => Self::new(Code::Conflict, "it is there already"),
            StoreError::Missing { .. } => Self::new(Code::NotFound, error.to_string()),
            _ => Self::internal(&error.into()),
        }
    }
}

/// Sets status and headers. [`render`] adds the body, because it knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // RFC 9110, section 15.5.16.
        if self.code == Code::UnsupportedEncoding {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Layer that writes a problem's body, with the path and the id of the request.
pub async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut body = json!(problem.body(&path, id.as_str()));
        if problem.hides_numbers {
            hide_numbers(&mut body);
        }
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body.to_string());
    }
    response
}
