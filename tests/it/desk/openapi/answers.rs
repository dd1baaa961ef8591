//! Real answers are as described: status, headers and body.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{described, faults, operations, validator};
use crate::api::app::App;

/// A request whose answer is held against the description.
struct Asked {
    method: Method,
    path: &'static str,
    body: Option<Value>,
    headers: Vec<(&'static str, &'static str)>,
}

fn asked(method: &str, path: &'static str) -> Asked {
    Asked {
        method: method.parse().unwrap(),
        path,
        body: None,
        headers: vec![],
    }
}

impl Asked {
    fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The requests of a short day at the desk, in this order, and what goes wrong in it.
fn of_the_desk() -> Vec<Asked> {
    let send = json!({ "to": "+447700900124", "content": "hello" });
    vec![
        asked("GET", "/healthz"),
        asked("GET", "/readyz"),
        asked("GET", "/metrics"),
        asked("GET", "/api/v1/status"),
        asked("GET", "/api/v1/openapi.json"),
        asked("GET", "/api/v1/docs"),
        asked("GET", "/api/v1/ws"),
        asked("GET", "/api/v1/outbox"),
        asked("POST", "/api/v1/outbox/resume"),
        asked("GET", "/api/v1/accounts"),
        asked("GET", "/api/v1/accounts/default"),
        asked("GET", "/api/v1/accounts/none"),
        asked("GET", "/api/v1/accounts/default/history"),
        asked("GET", "/api/v1/accounts/default/sync"),
        asked("GET", "/api/v1/accounts/default/session"),
        asked("POST", "/api/v1/accounts").with(json!({ "name": "sales" })),
        asked("POST", "/api/v1/accounts").with(json!({ "name": "Not a name" })),
        asked("GET", "/api/v1/customers"),
        asked("GET", "/api/v1/customers?limit=1"),
        asked("GET", "/api/v1/customers?limit=0"),
        asked("GET", "/api/v1/customers?shade=blue"),
        asked("GET", "/api/v1/customers?account=none"),
        asked("GET", "/api/v1/customers/1"),
        asked("GET", "/api/v1/customers/ada"),
        asked("GET", "/api/v1/customers/99"),
        asked("GET", "/api/v1/customers/1/identities"),
        asked("GET", "/api/v1/customers/1/merges"),
        asked("PATCH", "/api/v1/customers/1").with(json!({ "name": "Ada Lovelace" })),
        asked("PATCH", "/api/v1/customers/1")
            .with(json!({ "name": "A" }))
            .header("if-match", "\"old\""),
        asked("PATCH", "/api/v1/customers/1").with(json!({ "shade": 1 })),
        asked("PATCH", "/api/v1/customers/1"),
        asked("GET", "/api/v1/conversations"),
        asked("GET", "/api/v1/conversations/1"),
        asked("GET", "/api/v1/conversations/1/messages"),
        asked("POST", "/api/v1/conversations/1/read"),
        asked("POST", "/api/v1/messages")
            .with(send.clone())
            .header("idempotency-key", "one"),
        asked("POST", "/api/v1/messages")
            .with(send)
            .header("idempotency-key", "one"),
        asked("POST", "/api/v1/messages").with(json!({ "to": "nobody", "content": "x" })),
        asked("POST", "/api/v1/messages").with(json!({ "customer_id": 1, "content": "" })),
        asked("GET", "/api/v1/messages/1"),
        asked("PATCH", "/api/v1/messages/1").with(json!({ "content": "x" })),
        asked("POST", "/api/v1/messages/2/retry"),
        asked("POST", "/api/v1/messages/2/cancel"),
        asked("POST", "/api/v1/customers/1/opt-out"),
        asked("POST", "/api/v1/messages").with(json!({ "customer_id": 1, "content": "hello" })),
        asked("POST", "/api/v1/customers/1/opt-in"),
        asked("POST", "/api/v1/customers/1/merge").with(json!({ "with": 2 })),
        asked("GET", "/api/v1/customers/2"),
        asked("GET", "/api/v1/customers/1/merges"),
        asked("GET", "/api/v1/merges/1"),
        asked("POST", "/api/v1/merges/1/undo"),
        asked("POST", "/api/v1/media?filename=a.txt").header("content-type", "text/plain"),
        asked("GET", "/api/v1/media/1"),
        asked("GET", "/api/v1/media/1").header("range", "bytes=0-1"),
        asked("GET", "/api/v1/media/1").header("range", "bytes=900-"),
        asked("GET", "/api/v1/media/1").header("if-none-match", "*"),
        asked("GET", "/api/v1/media/1/info"),
        asked("GET", "/api/v1/media/1/thumbnail"),
        asked("POST", "/api/v1/media/1/fetch"),
        asked("GET", "/api/v1/export/messages"),
        asked("GET", "/api/v1/export/messages?format=csv"),
        asked("GET", "/api/v1/export/customers"),
        asked("POST", "/api/v1/exports").with(json!({ "what": "messages" })),
        asked("POST", "/api/v1/exports").with(json!({ "what": "customers", "from": "2026-01-01T00:00:00Z" })),
        asked("GET", "/api/v1/exports"),
        asked("GET", "/api/v1/exports/1"),
        asked("GET", "/api/v1/exports/1/content"),
        asked("DELETE", "/api/v1/exports/1"),
        asked("GET", "/api/v1/events?types=nothing"),
        asked("GET", "/api/v1/attributes"),
        asked("POST", "/api/v1/attributes").with(json!({ "name": "born", "kind": "date" })),
        asked("GET", "/api/v1/attributes/born"),
        asked("PATCH", "/api/v1/attributes/born")
            .with(json!({ "description": "when" }))
            .header("if-match", "\"0\""),
        asked("PATCH", "/api/v1/customers/1").with(json!({ "attributes": { "born": 1 } })),
        asked("DELETE", "/api/v1/attributes/born"),
    ]
}

/// The requests of the owner and of the superseded system's programs, after those of the desk.
fn of_the_owner() -> Vec<Asked> {
    vec![
        asked("GET", "/api/v1/agents"),
        asked("POST", "/api/v1/agents").with(json!({ "name": "Ada" })),
        asked("GET", "/api/v1/agents/1"),
        asked("PATCH", "/api/v1/agents/1").with(json!({ "active": false })),
        asked("GET", "/api/v1/keys"),
        asked("POST", "/api/v1/keys").with(json!({ "name": "shop", "scope": "read" })),
        asked("GET", "/api/v1/keys/1"),
        asked("POST", "/api/v1/keys/2/rotate").with(json!({})),
        asked("POST", "/api/v1/keys/2/revoke"),
        asked("GET", "/api/v1/audit"),
        asked("GET", "/api/v1/quarantine"),
        asked("POST", "/api/v1/quarantine/replay"),
        asked("POST", "/api/v1/clock/confirm"),
        asked("GET", "/api/v1/backup"),
        asked("GET", "/customers/summary"),
        asked("GET", "/messages/1"),
        asked("POST", "/messages/send").with(json!({ "customer_id": 1, "content": "hello" })),
        asked("POST", "/messages/inbox").with(json!({ "phone": "447700900125", "content": "hi", "whatsapp_id": "G1" })),
        asked("POST", "/messages/ack").with(json!({ "whatsapp_id": "later", "ack": 1 })),
        asked("GET", "/tables"),
        asked("GET", "/tables/customers"),
        asked("GET", "/tables/messages"),
        asked("GET", "/tables/none"),
    ]
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.inbound("Ben", "+447700900124", "hello").await;
    let document = described(&app).await;
    for asked in of_the_desk().into_iter().chain(of_the_owner()) {
        let mut request = app.request(asked.method.clone(), asked.path);
        for (name, value) in &asked.headers {
            request = request.header(*name, *value);
        }
        let request = match &asked.body {
            Some(body) => request.json(body),
            None if asked.path.starts_with("/api/v1/media?") => request.body("some text"),
            None => request,
        };
        let what = format!("{} {} {}", asked.method, asked.path, asked.body.unwrap_or_default());
        is_described(
            &document,
            &asked.method,
            asked.path,
            request.send().await.unwrap(),
            &what,
        )
        .await;
    }
    let none = app.bare(Method::GET, "/api/v1/customers").send().await.unwrap();
    is_described(&document, &Method::GET, "/api/v1/customers", none, "without a key").await;
    app.stop().await;
}

/// Asserts that status, headers and body of an answer are as described.
async fn is_described(document: &Value, method: &Method, path: &str, answer: Response, what: &str) {
    let status = answer.status();
    let operation = find(document, method, path.split('?').next().unwrap());
    let described = &operation["responses"][status.as_str()];
    let reference = described["$ref"].as_str().map(|path| path.trim_start_matches('#'));
    let described = reference.map_or(described, |path| document.pointer(path).unwrap());
    assert!(described.is_object(), "{what}: {status} is not described");
    assert!(answer.headers().contains_key("x-request-id"), "{what}");
    for name in [
        "location",
        "etag",
        "link",
        "retry-after",
        "idempotent-replayed",
        "content-range",
    ] {
        let headers = described["headers"].as_object().into_iter().flatten();
        let known = headers
            .map(|(name, _)| name.to_ascii_lowercase())
            .any(|known| known == name);
        assert!(
            known || !answer.headers().contains_key(name),
            "{what}: {name} is not described"
        );
    }
    let kind = answer
        .headers()
        .get("content-type")
        .map(|kind| kind.to_str().unwrap().to_owned());
    let bytes = answer.bytes().await.unwrap();
    let Some(kind) = kind.filter(|_| !bytes.is_empty()) else {
        return;
    };
    let kind = kind.split(';').next().unwrap();
    let content = &described["content"];
    let content = if content[kind].is_null() {
        &content["*/*"]
    } else {
        &content[kind]
    };
    assert!(content.is_object(), "{what}: {status} {kind} is not described");
    if kind.ends_with("json") && !kind.contains("ndjson") {
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            faults(&validator(document, &content["schema"]), &body),
            [""; 0],
            "{what}: {body}"
        );
    }
}

/// The operation of a path: the one whose template has the most fixed parts.
fn find<'d>(document: &'d Value, method: &Method, path: &str) -> &'d Value {
    let fits = |template: &str| {
        let (ours, theirs): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
        ours.len() == theirs.len()
            && ours
                .iter()
                .zip(&theirs)
                .all(|(one, part)| part.starts_with('{') || one == part)
    };
    let fitting = operations(document)
        .into_iter()
        .filter(|(named, template, _)| named.eq_ignore_ascii_case(method.as_str()) && fits(template));
    let best = fitting.min_by_key(|(_, template, _)| template.matches('{').count());
    best.unwrap_or_else(|| panic!("{method} {path} is not described")).2
}

/// serde takes an array for an object, by the order of its fields.
#[tokio::test]
async fn array_in_place_of_object_is_refused() {
    let app = App::start().await;
    for (path, body) in [
        ("/api/v1/accounts/default/login", json!([null, null])),
        ("/api/v1/messages", json!(["+447700900124", null, null, "hello"])),
        ("/api/v1/labels", json!(["vip", null, null])),
    ] {
        let answer = app.post(path, &body).await;
        assert_eq!(answer.status(), 422, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "invalid_body", "{path}");
    }
    app.stop().await;
}
