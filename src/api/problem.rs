//! Errors as the API tells them: RFC 9457 `application/problem+json` with a stable `code`. One exhaustive mapping from what
//! the layers below refuse; their internals are logged once, here, and never shown.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::request_id::RequestId;
use crate::bridge::Refusal;
use crate::domain::word::words;
use crate::store::StoreError;

words! {
    /// What is wrong, in a word that stays. A contract with integrators.
    Code {
        MalformedJson = "malformed_json",
        InvalidBody = "invalid_body",
        InvalidQuery = "invalid_query",
        InvalidPath = "invalid_path",
        EmptyText = "empty_text",
        TextTooLong = "text_too_long",
        BadIdempotencyKey = "bad_idempotency_key",
        IdempotencyMismatch = "idempotency_mismatch",
        AmbiguousAccount = "ambiguous_account",
        Unauthenticated = "unauthenticated",
        ScopeMissing = "scope_missing",
        HostNotAllowed = "host_not_allowed",
        OriginNotAllowed = "origin_not_allowed",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        Conflict = "conflict",
        PreconditionFailed = "precondition_failed",
        OptedOut = "opted_out",
        TooLarge = "too_large",
        RangeNotSatisfiable = "range_not_satisfiable",
        UnsupportedMediaType = "unsupported_media_type",
        UpgradeRequired = "upgrade_required",
        RateLimited = "rate_limited",
        Unavailable = "unavailable",
        Internal = "internal",
    }
}

impl Code {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson | Self::InvalidQuery | Self::InvalidPath | Self::BadIdempotencyKey => {
                StatusCode::BAD_REQUEST
            }
            Self::InvalidBody
            | Self::EmptyText
            | Self::TextTooLong
            | Self::IdempotencyMismatch
            | Self::AmbiguousAccount => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::ScopeMissing | Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::OptedOut => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body is not JSON",
            Self::InvalidBody => "The body does not have the expected shape",
            Self::InvalidQuery => "A query parameter is wrong",
            Self::InvalidPath => "The path does not name anything",
            Self::EmptyText => "The text is empty",
            Self::TextTooLong => "The text is too long",
            Self::BadIdempotencyKey => "The idempotency key cannot be used",
            Self::IdempotencyMismatch => "The idempotency key was used for another request",
            Self::AmbiguousAccount => "Several accounts can do this",
            Self::Unauthenticated => "A valid key is needed",
            Self::ScopeMissing => "The key may not do this",
            Self::HostNotAllowed => "This server does not answer to that name",
            Self::OriginNotAllowed => "Pages of that origin may not do this",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "This cannot be done here",
            Self::OptedOut => "The customer does not want to be written to",
            Self::Conflict => "It cannot be done in the present state",
            Self::PreconditionFailed => "It has changed since you looked at it",
            Self::TooLarge => "The body is too large",
            Self::RangeNotSatisfiable => "That part is not there",
            Self::UnsupportedMediaType => "The body is of another type than expected",
            Self::UpgradeRequired => "This is a WebSocket",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "It cannot be done just now",
            Self::Internal => "Something went wrong here",
        }
    }
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    pub detail: String,
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// What is wrong, then what to do about it.
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after: Option<Duration>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: vec![],
            retry_after: None,
        }
    }

    pub fn not_found(what: &str, which: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} {which}"))
    }

    /// A field of the body that is wrong.
    pub fn wrong_field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidBody, detail).at(pointer)
    }

    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: self.detail.clone(),
        });
        self
    }

    /// A failure of ours: logged here, told without its inside.
    pub fn internal(error: &anyhow::Error) -> Self {
        tracing::error!("a request failed: {error:#}");
        Self::new(
            Code::Internal,
            "the server failed; its log says more under this request id",
        )
    }

    /// The JSON object, as REST and the WebSocket tell it.
    pub fn body(&self, instance: &str, request_id: &str) -> serde_json::Value {
        let mut body = serde_json::json!({
            "type": format!("urn:crm:problem:{}", self.code),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
        });
        if !self.errors.is_empty() {
            body["errors"] = serde_json::json!(self.errors);
        }
        body
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::EmptyText => Self::new(Code::EmptyText, text).at("/content"),
            Refusal::TextTooLong { .. } => Self::new(Code::TextTooLong, text).at("/content"),
            Refusal::EmptyName => Self::wrong_field("/name", text),
            Refusal::Changed(_) => Self::new(Code::PreconditionFailed, text),
            Refusal::NulInText => Self::wrong_field("/content", text),
            Refusal::EmptyFile => Self::new(Code::InvalidBody, text),
            Refusal::FileTooLarge { .. } => Self::new(Code::TooLarge, text),
            Refusal::NoThumbnail(_) => Self::new(Code::UnsupportedMediaType, text),
            Refusal::WrongFileKind(_) => Self::wrong_field("/media/kind", text),
            Refusal::BadEmoji => Self::wrong_field("/emoji", text),
            Refusal::BadIdempotencyKey => Self::new(Code::BadIdempotencyKey, text),
            Refusal::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch, text),
            Refusal::NotFound { .. } => Self::new(Code::NotFound, text),
            Refusal::AmbiguousAccount { .. } => Self::new(Code::AmbiguousAccount, text).at("/account"),
            Refusal::OptedOut { .. } => Self::new(Code::OptedOut, text),
            Refusal::Conflict(_) => Self::new(Code::Conflict, text),
            Refusal::Unavailable(_) => Self::new(Code::Unavailable, text),
            Refusal::Internal(error) => match error.downcast::<StoreError>() {
                Ok(error) => error.into(),
                Err(error) => Self::internal(&error),
            },
        }
    }
}

/// What the database's trouble means to a caller. Where it lives and what it says of itself stays in the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let unavailable = |detail: &str| {
            tracing::error!("a request failed: {error}");
            Self::new(Code::Unavailable, detail)
        };
        match &error {
            StoreError::Full(_) => unavailable(
                "the database has no room left; free some space on the server; nothing that was accepted is lost",
            ),
            StoreError::ReadOnly(_) => {
                unavailable("the database cannot be written to; the server's log says why; nothing was stored")
            }
            StoreError::Unreachable(_) | StoreError::Busy(_) => {
                unavailable("the database does not answer just now; try again")
            }
            StoreError::Closed => Self::new(Code::Unavailable, "the server is stopping; try again later"),
            StoreError::Unstorable(_) => Self::new(Code::InvalidBody, error.to_string()),
            StoreError::Conflict(_) => Self::new(Code::Conflict, "it is there already"),
            StoreError::Missing { .. } => Self::new(Code::NotFound, error.to_string()),
            _ => Self::internal(&error.into()),
        }
    }
}

/// The body follows in [`render`], which knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The layer that writes a problem's body, with the path and the id of its request.
pub async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = problem.body(&path, id.as_str()).to_string();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    response
}
