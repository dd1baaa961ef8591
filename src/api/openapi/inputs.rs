//! Describes the parts of a request that each extractor reads.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Extension, Request, State, WebSocketUpgrade};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::operation::{Draft, Input, JSON, parameter};
use crate::api::access::auth::Caller;
use crate::api::access::sight::Path;
use crate::api::http::extract::{Body, Query};
use crate::api::http::listing::Listing;
use crate::api::http::tags::IfMatch;
use crate::api::http::takes::{IdempotencyKey, Takes};
use crate::domain::rights::Sight;
use crate::store::MAX_PAGE;

impl<S> Input for State<S> {}
impl<T> Input for Extension<T> {}
impl<T> Input for ConnectInfo<T> {}
impl Input for Caller {}
impl Input for Sight {}
/// The handler's documentation names the headers.
impl Input for HeaderMap {}

impl Input for Result<WebSocketUpgrade, WebSocketUpgradeRejection> {
    fn describe(draft: &mut Draft<'_>) {
        draft.problems(&[426]);
    }
}

impl Input for IdempotencyKey {
    fn describe(draft: &mut Draft<'_>) {
        draft.takes("Idempotency-Key");
        draft.problems(&[400, 409, 422]);
    }
}

impl Input for IfMatch {
    const TAKES: Takes = Takes::IF_MATCH;

    fn describe(draft: &mut Draft<'_>) {
        draft.takes("If-Match");
        draft.problems(&[412]);
    }
}

impl<T: JsonSchema> Input for Body<T> {
    const TAKES: Takes = Takes::BODY;

    fn describe(draft: &mut Draft<'_>) {
        let schema = draft.schemas.read::<T>();
        draft.body = Some(json!({ "required": true, "content": { JSON: { "schema": schema } } }));
        draft.problems(&[400, 413, 415, 422]);
    }
}

/// The bytes of a file.
impl Input for Request {
    const TAKES: Takes = Takes::BODY;

    fn describe(draft: &mut Draft<'_>) {
        let bytes = json!({ "schema": { "type": "string", "contentMediaType": "application/octet-stream" } });
        draft.body = Some(json!({ "required": true, "content": { "application/octet-stream": bytes, "*/*": {} } }));
        draft.problems(&[400, 413, 415, 422, 507]);
    }
}

impl<T: JsonSchema> Input for Query<T> {
    const TAKES: Takes = Takes::QUERY;

    fn describe(draft: &mut Draft<'_>) {
        draft.query::<T>();
    }
}

impl<T: JsonSchema> Input for Path<T> {
    fn describe(draft: &mut Draft<'_>) {
        let schema = draft.schemas.fields::<T>();
        let names = draft.path.split('{').skip(1).filter_map(|part| part.split('}').next());
        let several = schema["prefixItems"].as_array().cloned();
        for (at, name) in names.enumerate() {
            let schema = several
                .as_ref()
                .map_or(&schema, |several| several.get(at).unwrap_or(&Value::Null));
            let (mut schema, _) = parameter(schema);
            if schema["type"] == "string" {
                schema["minLength"] = json!(1);
            }
            let mut parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
            parameter["description"] = json!(format!("{} of the path.", capital(name)));
            draft.parameters.push(parameter);
        }
        draft.problems(&[400, 404]);
    }
}

fn capital(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl<F: JsonSchema> Input for Listing<F> {
    const TAKES: Takes = Takes::QUERY;

    fn describe(draft: &mut Draft<'_>) {
        let cursor = "A cursor, as `next_cursor` and the `Link` of a page give it.";
        for (name, description, schema) in [
            (
                "limit",
                "Most rows of the page; 50 by default.",
                json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50 }),
            ),
            ("after", cursor, json!({ "type": "string" })),
            ("before", cursor, json!({ "type": "string" })),
            (
                "order",
                "By ascending or descending key. With `before` alone it is descending.",
                json!({ "type": "string", "enum": ["asc", "desc"] }),
            ),
        ] {
            draft
                .parameters
                .push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        }
        draft.query::<F>();
    }
}
