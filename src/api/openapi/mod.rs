//! The description of the API as OpenAPI 3.1, and as a page for people. It is made from the code: the routes from the router's
//! table, what each takes and answers from the types of its handler, the words from the doc comments, and the schemas from the
//! contract. Handlers say the rest in their doc comments: a status such as 412 or a header such as `If-Match` that one names is
//! described as well.

pub mod answers;
mod components;
mod docs;
mod document;
mod inputs;
mod named;
mod nullable;
mod operation;
mod page;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::access::hidden::WithoutNumbers;
use super::http::tags::is_known;
use super::router::documented;
use answers::{Html, Shaped};
use operation::{Draft, JSON, Output};
pub use operation::{Route, taken};

/// Both, made once: they follow from the program alone.
static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    let document = document::document(&documented());
    Description {
        page: Part::new("text/html; charset=utf-8", page::of(&document).into()),
        document: Part::new(JSON, document.to_string().into()),
    }
});

struct Description {
    document: Part,
    page: Part,
}

/// A body with what is said of it.
struct Part {
    kind: &'static str,
    tag: String,
    body: Bytes,
}

impl Part {
    fn new(kind: &'static str, body: Bytes) -> Self {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
        Self { kind, tag, body }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let told = [
            (header::CONTENT_TYPE, self.kind),
            (header::ETAG, self.tag.as_str()),
            (header::CACHE_CONTROL, "private, no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        let mut response = if is_known(headers, &self.tag) {
            (StatusCode::NOT_MODIFIED, told).into_response()
        } else {
            (told, self.body.clone()).into_response()
        };
        // What is described has the names of fields with numbers, and no numbers.
        response.extensions_mut().insert(WithoutNumbers);
        response
    }
}

/// The description itself.
pub struct OpenApi;

impl Output for OpenApi {
    fn describe(draft: &mut Draft<'_>) {
        let content = json!({ "schema": { "type": "object" } });
        let answer = draft.answer(200, "The description.");
        answer.content.insert(JSON.to_owned(), content);
        answer.headers.push("ETag");
    }
}

/// `GET /openapi.json`, scope `read`: returns this description of the API, as OpenAPI 3.1. With `If-None-Match` it answers 304
/// if it has not changed.
pub async fn show(headers: HeaderMap) -> Shaped<OpenApi> {
    DESCRIPTION.document.answer(&headers).into()
}

/// `GET /docs`, scope `read`: returns this description as a page, which loads nothing. With `If-None-Match` it answers 304 if
/// it has not changed.
pub async fn read(headers: HeaderMap) -> Shaped<Html> {
    let mut response = DESCRIPTION.page.answer(&headers);
    if let Ok(policy) = page::policy().parse() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.into()
}

/// Returns the description as JSON.
pub fn document() -> Value {
    document::document(&documented())
}

#[cfg(test)]
mod tests {
    use super::docs::Doc;
    use super::*;

    /// Checks that a handler's comment says of its route what the router does.
    #[test]
    fn handler_comment_names_its_route_and_scope() {
        for route in documented() {
            let doc = Doc::of(route.handler);
            assert!(
                !doc.summary.is_empty(),
                "{} says nothing of what it does",
                route.handler
            );
            let short = route.path.strip_prefix("/api/v1").unwrap_or(route.path);
            let named = [short, route.path].map(|path| format!("`{} {path}`", route.method));
            let is_named = named.iter().any(|named| doc.route.starts_with(named));
            assert!(
                is_named,
                "{}: `{}` is no {} {}",
                route.handler, doc.route, route.method, route.path
            );
            if let Some(operation) = route.operation {
                let scope = format!(", scope `{}`", operation.scope());
                assert!(
                    doc.route.ends_with(&scope),
                    "{}: `{}` lacks{scope}",
                    route.handler,
                    doc.route
                );
            }
        }
    }
}
