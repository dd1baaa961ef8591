//! Answers of handlers: a view of the contract, with its status and headers.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;
use crate::contract::{MovedView, RawJson};
use crate::store::StoredAnswer;

/// Header of an answer that was given before.
pub static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Answer 201 with the location of the new resource.
pub struct Created<T> {
    pub location: String,
    pub body: T,
}

/// Answer 202. `location` says where to follow the progress, if not in the resource of the body.
pub struct Accepted<T> {
    pub location: Option<String>,
    /// Entity tag of the resource in the body, with its quotation marks, if it has one.
    pub tag: Option<String>,
    pub body: T,
}

impl<T> Accepted<T> {
    /// Creates an answer without a location.
    pub const fn of(body: T) -> Self {
        Self {
            location: None,
            tag: None,
            body,
        }
    }

    /// Creates an answer with a location.
    pub const fn at(location: String, body: T) -> Self {
        Self {
            location: Some(location),
            tag: None,
            body,
        }
    }

    /// Creates an answer with the resource's entity tag.
    pub const fn tagged(tag: String, body: T) -> Self {
        Self {
            location: None,
            tag: Some(tag),
            body,
        }
    }
}

/// Answer to a request that may carry an idempotency key.
pub enum Keyed<T> {
    /// The request was executed now.
    New(T),
    /// The same request was answered before.
    Replayed(Replay),
}

/// Earlier answer to the same request, byte for byte (rule 25).
pub struct Replay {
    status: StatusCode,
    location: Option<String>,
    pub body: RawJson,
}

impl Replay {
    /// Rebuilds a stored answer. `location` is where the resource is, if that is known.
    pub fn of(stored: StoredAnswer, location: Option<String>) -> Result<Self, Problem> {
        Ok(Self {
            status: StatusCode::from_u16(stored.status).map_err(|error| Problem::internal(&error.into()))?,
            location,
            body: stored.response,
        })
    }

    /// Returns the status of the first answer.
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

/// Answer 200, or 307 to the surviving row of a merge. Not 308, because a merge can be undone.
pub enum Found<T, Id> {
    Here(T),
    Moved { location: String, body: MovedView<Id> },
}

/// Answer 200 with an `ETag`.
pub struct Tagged<T> {
    /// The entity tag, with its quotation marks.
    pub tag: String,
    pub body: T,
}

/// Answer to a request with `If-None-Match`: 200 if the resource differs from it, else 304.
pub enum Unless<T> {
    Changed(Tagged<T>),
    Same { tag: String },
}

/// Answer 200 if the work ended within the caller's wait; 202 if it goes on.
pub enum InTime<T, L> {
    Done(T),
    Late(Accepted<L>),
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(header::LOCATION, self.location)];
        (StatusCode::CREATED, location, Json(self.body)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        let location = self.location.map(|location| [(header::LOCATION, location)]);
        let mut response = located(StatusCode::ACCEPTED, location, Json(self.body));
        if let Some(Ok(tag)) = self.tag.map(HeaderValue::try_from) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: IntoResponse> IntoResponse for Keyed<T> {
    fn into_response(self) -> Response {
        match self {
            Self::New(answer) => answer.into_response(),
            Self::Replayed(replay) => replay.into_response(),
        }
    }
}

impl IntoResponse for Replay {
    fn into_response(self) -> Response {
        let location = self.location.map(|location| [(header::LOCATION, location)]);
        let mut response = located(self.status, location, Json(self.body));
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED.clone(), replayed);
        response
    }
}

impl<T: IntoResponse, Id: Serialize> IntoResponse for Found<T, Id> {
    fn into_response(self) -> Response {
        match self {
            Self::Here(answer) => answer.into_response(),
            Self::Moved { location, body } => {
                let location = [(header::LOCATION, location)];
                (StatusCode::TEMPORARY_REDIRECT, location, Json(body)).into_response()
            }
        }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, self.tag)], Json(self.body)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Unless<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Changed(answer) => answer.into_response(),
            Self::Same { tag } => (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response(),
        }
    }
}

impl<T: Serialize, L: Serialize> IntoResponse for InTime<T, L> {
    fn into_response(self) -> Response {
        match self {
            Self::Done(body) => Json(body).into_response(),
            Self::Late(accepted) => accepted.into_response(),
        }
    }
}

fn located(status: StatusCode, location: Option<[(HeaderName, String); 1]>, body: impl IntoResponse) -> Response {
    match location {
        Some(location) => (status, location, body).into_response(),
        None => (status, body).into_response(),
    }
}
