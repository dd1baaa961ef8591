//! Extractors that refuse unknown fields and parameters. Each error has a pointer to its place.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::objects::Objects;
use super::problem::{Code, Problem};
use super::words::told;
pub use crate::api::access::sight::Path;

/// A JSON body of at most [`MAX_BODY_BYTES`](super::MAX_BODY_BYTES). Types that are read this way have
/// `deny_unknown_fields`.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_type(&request)?;
        parse(&bytes(request, state).await?).map(Self)
    }
}

/// Reads a body of at most [`MAX_BODY_BYTES`](crate::api::MAX_BODY_BYTES).
pub async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let max = crate::api::MAX_BODY_BYTES;
            Problem::new(
                Code::TooLarge,
                format!("the body is larger than {max} bytes; send less"),
            )
        } else {
            Problem::new(Code::MalformedJson, "the body is incomplete; send it again")
        }
    })
}

/// Parses JSON; an error has a pointer to the wrong field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut json)).map_err(|error| misfit(&error))?;
    json.end()
        .map_err(|error| Problem::new(Code::MalformedJson, format!("the body is not one JSON value: {error}")))?;
    Ok(value)
}

/// Converts JSON that is parsed already; an error has a pointer to the wrong field.
pub fn parse_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Objects(value)).map_err(|error| misfit(&error))
}

fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.is_data() {
        let (pointer, detail) = told(error.path(), &inner.to_string());
        Problem::wrong_field(&pointer, detail)
    } else {
        Problem::new(Code::MalformedJson, format!("the body is not JSON: {inner}"))
    }
}

/// Refuses a body that is not JSON in UTF-8, the only charset that JSON has (RFC 8259, section 8.1).
fn check_type(request: &Request) -> Result<(), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_json = parts.next().is_some_and(|kind| {
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    if !is_json {
        let detail = "the body has to be JSON; set Content-Type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let is_utf8 = |charset: &str| matches!(charset.trim().trim_matches('"'), "utf-8" | "utf8");
    let mut charsets = parts.filter_map(|part| part.strip_prefix("charset=").map(str::to_owned));
    if charsets.any(|charset| !is_utf8(&charset)) {
        let detail = "the body has to be JSON in UTF-8; encode it so, and set Content-Type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    Ok(())
}

/// Returns the JSON pointer to a field of the outermost object (RFC 6901).
pub fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Query parameters. Types that are read this way have `deny_unknown_fields`.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Parses a query string; an error has a pointer to the wrong parameter.
pub fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let (pointer, detail) = told(error.path(), &error.inner().to_string());
        Problem::new(Code::InvalidQuery, detail).at(pointer)
    })
}
