//! The whole description: every route, what they share, and the schemas of what they carry.

use serde_json::{Map, Value, json};

use super::components::{self, NAMED, OF_EVERY_ANSWER, header_references, problem_content, reference};
use super::docs::Doc;
use super::named::named;
use super::operation::{Answer, Draft, Route, Schemas};
use crate::contract::{EventBody, ProblemBody};

/// Problems that every route may answer with: an ambiguous request, a foreign `Host`, a failure, a database that rests.
const OF_ALL: [u16; 4] = [400, 421, 500, 503];
/// Problems of routes that need a key.
const OF_KEYED: [u16; 3] = [401, 403, 429];
/// Problems of requests that change something: a foreign `Origin`, what the body names, the present state, what cannot be
/// stored.
const OF_CHANGES: [u16; 4] = [403, 404, 409, 422];

/// Subjects, with the beginnings of the paths that belong to each.
const TAGS: [(&str, &str, &[&str]); 12] = [
    (
        "messages",
        "Sending, reading and changing messages.",
        &["/api/v1/messages"],
    ),
    (
        "conversations",
        "Chats with customers and groups, and the desk's work on them.",
        &["/api/v1/conversations", "/api/v1/notes", "/api/v1/labels"],
    ),
    (
        "customers",
        "The people who write to us.",
        &["/api/v1/customers", "/api/v1/merges", "/api/v1/attributes"],
    ),
    ("media", "Files of messages.", &["/api/v1/media"]),
    ("templates", "Texts that are prepared.", &["/api/v1/templates"]),
    (
        "events",
        "What happens, as it happens.",
        &["/api/v1/events", "/api/v1/ws"],
    ),
    (
        "accounts",
        "The WhatsApp numbers of this server.",
        &["/api/v1/accounts"],
    ),
    ("exports", "Everything, as files.", &["/api/v1/export"]),
    ("agents", "The people who answer.", &["/api/v1/agents"]),
    (
        "access",
        "Keys, and what was done with them.",
        &["/api/v1/keys", "/api/v1/audit"],
    ),
    (
        "server",
        "How the server does, and its care.",
        &["/api/v1/", "/healthz", "/readyz", "/metrics"],
    ),
    (
        "superseded",
        "The superseded system's endpoints, with its JSON.",
        &["/"],
    ),
];

const ABOUT: &str = "\
The API of crm, a WhatsApp desk for small teams.

Every request but `GET /healthz` needs a key, as `Authorization: Bearer crm_…`. A key has a scope: `read`, `send`, `manage` or \
`admin`, each of which includes those before it; `x-scope` says what an operation needs. A key may be limited to some accounts; \
`x-all-accounts` marks what such a key may not do.

Errors are problems (RFC 9457) with a stable `code`, a `detail` that says what is wrong and then what to do, and pointers to \
the fields that are wrong. Nothing of a request is ignored: unknown fields and parameters, a body where a change takes none, and \
`If-Match` where a change does not heed it, are refused. Answers may get more fields in later versions.

Lists are pages by key: `next_cursor`, or the `Link` header, gives the next page. A cursor is of its list and its filters, and \
refused elsewhere. Times are RFC 3339, in answers in UTC with \
milliseconds.

A body is at most 1 MiB of JSON in UTF-8, without a `Content-Encoding`; uploads have limits of their own. Every GET can be asked as HEAD.";

/// Builds the description of these routes.
pub fn document(routes: &[Route]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for route in routes {
        let operation = operation(route, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    schemas.written::<ProblemBody>();
    schemas.written::<EventBody>();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "crm",
            "summary": "A WhatsApp desk for small teams",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": TAGS.map(|(name, description, _)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A key of this server, such as `crm key create` makes.",
            } },
            "parameters": components::parameters(),
            "headers": components::headers(),
            "responses": components::responses(),
        },
    });
    let named = named(schemas, &mut document);
    document["components"]["schemas"] = Value::Object(named);
    document
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let doc = Doc::of(route.handler);
    let mut draft = Draft::new(route, schemas);
    (route.describe)(&mut draft);
    for header in NAMED.into_iter().filter(|header| doc.names(header)) {
        draft.takes(header);
        match header {
            "Idempotency-Key" => draft.problems(&[409, 422]),
            "If-Match" => draft.problems(&[412]),
            _ => {}
        }
    }
    for status in doc.statuses() {
        if status == 304 {
            let answer = draft.answer(304, "As it was.");
            if !answer.headers.contains(&"ETag") {
                answer.headers.push("ETag");
            }
        } else {
            draft.problems(&[status]);
        }
    }
    draft.problems(&OF_ALL);
    if route.operation.is_some() {
        draft.problems(&OF_KEYED);
    }
    if !route.method.is_safe() {
        draft.problems(&OF_CHANGES);
    }
    let mut operation = json!({
        "operationId": id(route.handler),
        "summary": doc.summary,
        "tags": [tag(route.path)],
        "security": security(route),
    });
    if doc.description != format!("{}.", doc.summary) {
        operation["description"] = json!(doc.description);
    }
    if let Some(needed) = route.operation {
        operation["x-scope"] = json!(needed.scope());
        operation["x-operation"] = json!(needed.as_str());
        if needed.is_of_all_accounts() {
            operation["x-all-accounts"] = json!(true);
        }
    }
    if !draft.parameters.is_empty() {
        operation["parameters"] = json!(draft.parameters);
    }
    if let Some(body) = draft.body.take() {
        operation["requestBody"] = body;
    }
    let answers = draft.answers.iter();
    operation["responses"] = answers
        .map(|(status, answer)| (status.to_string(), response(*status, answer)))
        .collect();
    operation
}

fn response(status: u16, answer: &Answer) -> Value {
    if answer.is_problem && answer.description.is_empty() {
        return reference(status);
    }
    let headers = [OF_EVERY_ANSWER, answer.headers.as_slice()].concat();
    let mut response = json!({ "description": answer.description, "headers": header_references(&headers) });
    let mut content = answer.content.clone();
    if answer.is_problem
        && let Value::Object(problem) = problem_content()
    {
        content.extend(problem);
    }
    if !content.is_empty() {
        response["content"] = Value::Object(content);
    }
    if let Some(frames) = &answer.frames {
        response["x-frames"] = frames.clone();
    }
    response
}

/// Returns what of a key's scopes an operation needs.
fn security(route: &Route) -> Value {
    match route.operation {
        Some(operation) => json!([{ "key": [operation.scope()] }]),
        // In the header, or in the first frame.
        None if route.path.ends_with("/ws") => json!([{ "key": ["read"] }, {}]),
        None => json!([]),
    }
}

/// Returns the id of an operation: the names of the handler and of its module.
fn id(handler: &str) -> String {
    let names = handler
        .split("::")
        .filter(|name| !["crm", "api", "desk", "watch"].contains(name));
    names.collect::<Vec<_>>().join("_")
}

fn tag(path: &str) -> &'static str {
    let belongs = |starts: &&[&str]| starts.iter().any(|start| path.starts_with(start));
    TAGS.iter()
        .find(|(_, _, starts)| belongs(starts))
        .map_or("server", |(name, ..)| name)
}
