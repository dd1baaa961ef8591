//! Errors: RFC 9457 with a stable code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MissedView;
use crate::domain::word::words;

words! {
    /// Kind of a problem. The words are a contract with integrators.
    Code {
        MalformedRequest = "malformed_request",
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
        AccountBound = "account_bound",
        HostNotAllowed = "host_not_allowed",
        OriginNotAllowed = "origin_not_allowed",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        Gone = "gone",
        Conflict = "conflict",
        PreconditionFailed = "precondition_failed",
        OptedOut = "opted_out",
        Overtaken = "overtaken",
        TooLarge = "too_large",
        RangeNotSatisfiable = "range_not_satisfiable",
        UnsupportedMediaType = "unsupported_media_type",
        UnsupportedEncoding = "unsupported_encoding",
        UpgradeRequired = "upgrade_required",
        RateLimited = "rate_limited",
        Unavailable = "unavailable",
        Internal = "internal",
        InsufficientStorage = "insufficient_storage",
    }
}

impl Code {
    /// Returns the HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedRequest
            | Self::MalformedJson
            | Self::InvalidQuery
            | Self::InvalidPath
            | Self::BadIdempotencyKey => 400,
            Self::Unauthenticated => 401,
            Self::ScopeMissing | Self::AccountBound | Self::OriginNotAllowed => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::OptedOut | Self::Overtaken => 409,
            Self::Gone => 410,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => 415,
            Self::RangeNotSatisfiable => 416,
            Self::HostNotAllowed => 421,
            Self::InvalidBody
            | Self::EmptyText
            | Self::TextTooLong
            | Self::IdempotencyMismatch
            | Self::AmbiguousAccount => 422,
            Self::UpgradeRequired => 426,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::InsufficientStorage => 507,
        }
    }

    /// Returns the title, which is the same for every problem of this kind.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request is ambiguous",
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
            Self::AccountBound => "The key is limited to some accounts",
            Self::HostNotAllowed => "This server does not answer to that name",
            Self::OriginNotAllowed => "Pages of that origin may not do this",
            Self::NotFound => "There is no such thing",
            Self::Gone => "It is there no more",
            Self::MethodNotAllowed => "This cannot be done here",
            Self::OptedOut => "The customer does not want to be written to",
            Self::Overtaken => "Somebody has written since you looked",
            Self::Conflict => "It cannot be done in the present state",
            Self::PreconditionFailed => "It has changed since you looked at it",
            Self::TooLarge => "The body is too large",
            Self::RangeNotSatisfiable => "That part is not there",
            Self::UnsupportedMediaType => "The body is of another type than expected",
            Self::UnsupportedEncoding => "The body is encoded",
            Self::UpgradeRequired => "This is a WebSocket",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "It cannot be done just now",
            Self::Internal => "Something went wrong here",
            Self::InsufficientStorage => "There is no room for it",
        }
    }
}

/// Body of an error answer (`application/problem+json`). Only `detail` is required for parsing: whatever another
/// version adds or leaves out, people still learn what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemBody {
    /// `urn:crm:problem:` and the code.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Title of the kind of problem.
    #[serde(default)]
    pub title: String,
    /// HTTP status.
    #[serde(default)]
    pub status: u16,
    /// Sentence for people: what is wrong, then what to do.
    pub detail: String,
    /// Path of the request.
    #[serde(default)]
    pub instance: String,
    /// A word of [`Code`].
    #[serde(default)]
    pub code: String,
    /// Id of the request, as in the header `X-Request-Id` and in the server's log.
    #[serde(default)]
    pub request_id: String,
    /// Fields that are wrong; absent if no field in particular is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Of `overtaken`: what others have written since the author looked, the newest first; absent otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<MissedView>,
    /// Time after which to try again, in milliseconds, as `Retry-After` says it in seconds; absent where that is of no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Id of what an earlier request with the same idempotency key made; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    /// Sentence for people: what is wrong with the field.
    pub detail: String,
}

/// An error as a Matrix homeserver reads it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MatrixErrorView {
    /// Matrix's word for it.
    pub errcode: &'static str,
    /// What is wrong.
    pub error: &'static str,
}
