//! Extractors that refuse unknown fields and parameters. Each error has a pointer to its place.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::problem::{Code, Problem};
pub use crate::api::access::sight::Path;

/// A JSON body of at most [`MAX_BODY_BYTES`](super::MAX_BODY_BYTES). Types that are read this way have
/// `deny_unknown_fields`.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "the body has to be JSON; set Content-Type: application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    Code::TooLarge,
                    format!(
                        "the body is larger than {} bytes; send less",
                        crate::api::MAX_BODY_BYTES
                    ),
                )
            } else {
                Problem::new(Code::MalformedJson, "the body is incomplete; send it again")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

/// Parses a JSON object; an error has a pointer to the wrong field. serde would take an array for one, by the order of its
/// fields.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let is_array = bytes.trim_ascii_start().starts_with(b"[");
    if is_array && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        let detail = "the body is an array and has to be an object, with its fields by their names";
        return Err(Problem::wrong_field("", detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(misfit)?;
    json.end()
        .map_err(|error| Problem::new(Code::MalformedJson, format!("the body is not one JSON value: {error}")))?;
    Ok(value)
}

/// Converts JSON that is parsed already; an error has a pointer to the wrong field.
pub fn parse_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(misfit)
}

fn misfit(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer = pointer(error.path());
    let error = error.into_inner();
    if error.is_data() {
        Problem::wrong_field(&pointer, without_position(&error.to_string()))
    } else {
        Problem::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
    }
}

fn is_json(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            let kind = kind.trim().to_ascii_lowercase();
            kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
        })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

/// Removes serde's "at line 1 column 17", because the pointer tells the place better.
fn without_position(error: &str) -> String {
    error.split(" at line ").next().unwrap_or(error).to_owned()
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
        let pointer = pointer(error.path());
        Problem::new(Code::InvalidQuery, error.into_inner().to_string()).at(pointer)
    })
}

/// Routes that read a query, each with a [`Query`] or [`Listing`](super::listing::Listing), which refuse what they do not
/// know. On all others every parameter is unknown.
const WITH_QUERY: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/accounts"),
    (Method::DELETE, "/api/v1/accounts/{name}"),
    (Method::GET, "/api/v1/agents"),
    (Method::GET, "/api/v1/audit"),
    (Method::GET, "/api/v1/conversations"),
    (Method::GET, "/api/v1/conversations/{id}/messages"),
    (Method::GET, "/api/v1/conversations/{id}/notes"),
    (Method::GET, "/api/v1/customers"),
    (Method::GET, "/api/v1/export/customers"),
    (Method::GET, "/api/v1/export/messages"),
    (Method::GET, "/api/v1/exports"),
    (Method::GET, "/api/v1/keys"),
    (Method::POST, "/api/v1/media"),
    (Method::GET, "/api/v1/events"),
    (Method::GET, "/api/v1/quarantine"),
    (Method::GET, "/api/v1/templates"),
    (Method::GET, "/customers/summary"),
    (Method::GET, "/messages/{customer_id}"),
    (Method::GET, "/tables/{name}"),
];

/// Layer of each route that refuses parameters where it takes none: a `dry_run` that nobody looks at would send. Not of the
/// router: a method that the path does not take is refused for that.
pub async fn no_query(request: Request, next: Next) -> Response {
    let unread = request.uri().query().filter(|query| !query.is_empty());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    // A route that reads a query answers HEAD as it answers GET.
    let method = if request.method() == Method::HEAD {
        &Method::GET
    } else {
        request.method()
    };
    let reads = |route: &str| WITH_QUERY.iter().any(|(known, path)| known == method && *path == route);
    let Some(query) = unread.filter(|_| route.is_some_and(|route| !reads(route))) else {
        return next.run(request).await;
    };
    let name = form_urlencoded::parse(query.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned());
    let name = name.unwrap_or_default();
    let detail = format!("unknown field `{name}`, this takes no parameters; remove it");
    Problem::new(Code::InvalidQuery, detail)
        .at(format!("/{name}"))
        .into_response()
}
