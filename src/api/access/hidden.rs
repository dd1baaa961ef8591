//! Answers without customers' numbers, for those who are not to see them (`hide_numbers`).

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::auth::Caller;
use crate::api::http::problem::Problem;
use crate::contract::{RawJson, hide_numbers};

/// Largest answer that is rewritten, in bytes. Longer lists are streams, which write each row without numbers.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// Mark of an answer that was written without numbers already.
#[derive(Clone, Copy)]
pub struct WithoutNumbers;

/// Layer that takes the numbers out of the JSON of answers to callers who are not to see them.
pub async fn hide(request: Request, next: Next) -> Response {
    let hides = request
        .extensions()
        .get::<Caller>()
        .is_some_and(|caller| caller.sight.hides_numbers());
    let mut response = next.run(request).await;
    // The body of a problem is written later, by [`problem::render`](crate::api::http::problem::render).
    if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
        problem.hides_numbers = hides;
    }
    if !hides || !is_json(response.headers()) || response.extensions().get::<WithoutNumbers>().is_some() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let hidden = match to_bytes(body, MAX_ANSWER_BYTES).await {
        Ok(bytes) if bytes.is_empty() => return Response::from_parts(parts, Body::empty()),
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes).map_err(anyhow::Error::from),
        Err(error) => Err(anyhow::Error::from(error)),
    };
    let written = hidden.and_then(|mut value| {
        hide_numbers(&mut value);
        Ok(serde_json::to_vec(&value)?)
    });
    match written {
        Ok(bytes) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(bytes))
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

/// Returns JSON without numbers.
pub fn hidden(json: &RawJson) -> serde_json::Result<RawJson> {
    let mut value: Value = json.parse()?;
    hide_numbers(&mut value);
    RawJson::of(&value)
}
