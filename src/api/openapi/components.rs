//! The parts of the description that many routes share: request headers, answer headers, and problems by their status.

use serde_json::{Map, Value, json};

use crate::contract::Code;

/// Request headers, with their descriptions and schemas.
pub fn parameters() -> Value {
    let tag = |description: &str| (description.to_owned(), json!({ "type": "string" }));
    let headers = [
        (
            "Idempotency-Key",
            (
                "Makes a repetition of the request harmless: the same key with the same body gets the first answer again, with \
                 `Idempotent-Replayed`. Kept for at least 24 hours. Use a UUID."
                    .to_owned(),
                json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" }),
            ),
        ),
        ("If-Match", tag("Entity tags, one of which the thing has to have; else nothing is changed (412).")),
        ("If-None-Match", tag("Entity tags that the client has; the answer is 304 if one of them still fits.")),
        (
            "Last-Event-ID",
            (
                "Number of the last event that the client has; later events come first.".to_owned(),
                json!({ "type": "string", "pattern": "^[0-9]{1,18}$" }),
            ),
        ),
        ("Prefer", tag("`wait=20`: for how many seconds the answer may wait for news, at most 30.")),
        ("Range", tag("Bytes that are wanted, such as `bytes=0-1023`. One range; for several, all is sent.")),
        ("If-Range", tag("Entity tag of which the client has a part; if it is of another file, all is sent.")),
    ];
    let parameters = headers.map(|(name, (description, schema))| {
        let parameter = json!({ "name": name, "in": "header", "description": description, "schema": schema });
        (name.to_owned(), parameter)
    });
    Value::Object(parameters.into_iter().collect())
}

/// Names of the request headers that a handler's documentation may name.
pub const NAMED: [&str; 6] = [
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "Range",
];

/// Headers of every answer; those about limits only where a key was read.
pub const OF_EVERY_ANSWER: &[&str] = &["X-Request-Id", "RateLimit", "RateLimit-Policy"];

/// Answer headers.
pub fn headers() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let headers = [
        (
            "X-Request-Id",
            "Id of the request, as in problems and in the server's log.",
            &text,
            true,
        ),
        (
            "Location",
            "Path of what was made, or of where to follow it.",
            &text,
            false,
        ),
        ("ETag", "Entity tag of the present state.", &text, false),
        (
            "Link",
            "The next page, with `rel=\"next\"` (RFC 8288); absent at the end.",
            &text,
            false,
        ),
        (
            "Idempotent-Replayed",
            "`true`: this is the first answer to the same request, again.",
            &text,
            false,
        ),
        ("Retry-After", "Seconds after which to try again.", &number, false),
        ("WWW-Authenticate", "`Bearer`.", &text, false),
        (
            "Accept-Encoding",
            "`identity`: of a body that came with another `Content-Encoding`.",
            &text,
            false,
        ),
        (
            "Content-Range",
            "The bytes that are sent, and how many there are.",
            &text,
            false,
        ),
        ("Accept-Ranges", "`bytes`.", &text, false),
        (
            "Content-Disposition",
            "Name of the file, and whether it may be shown in a page.",
            &text,
            false,
        ),
        ("X-Total-Count", "Number of the rows to come.", &number, false),
        ("RateLimit", "What the key has left, and until when.", &text, false),
        ("RateLimit-Policy", "How much a key may ask for.", &text, false),
    ];
    let headers = headers.map(|(name, description, schema, required)| {
        let mut header = json!({ "description": description, "schema": schema });
        if required {
            header["required"] = json!(true);
        }
        (name.to_owned(), header)
    });
    Value::Object(headers.into_iter().collect())
}

/// Problems by their status, each with its codes.
pub fn responses() -> Value {
    let mut statuses: Vec<u16> = Code::ALL.iter().map(|code| code.status()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let responses = statuses.into_iter().map(|status| (name(status), response(status)));
    Value::Object(responses.collect())
}

/// Returns a reference to the problems of a status.
pub fn reference(status: u16) -> Value {
    json!({ "$ref": format!("#/components/responses/{}", name(status)) })
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn response(status: u16) -> Value {
    let mut headers = OF_EVERY_ANSWER.to_vec();
    match status {
        401 => headers.push("WWW-Authenticate"),
        429 | 503 => headers.push("Retry-After"),
        415 => headers.push("Accept-Encoding"),
        416 => headers.push("Content-Range"),
        _ => {}
    }
    let codes: Vec<String> = Code::ALL
        .iter()
        .filter(|code| code.status() == status)
        .map(|code| format!("`{code}`: {}.", code.title()))
        .collect();
    json!({
        "description": codes.join(" "),
        "headers": header_references(&headers),
        "content": problem_content(),
    })
}

/// Returns the body of every problem.
pub fn problem_content() -> Value {
    json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemBody" } } })
}

/// Returns references to answer headers.
pub fn header_references(names: &[&str]) -> Value {
    let headers = names.iter().map(|name| {
        let reference = json!({ "$ref": format!("#/components/headers/{name}") });
        ((*name).to_owned(), reference)
    });
    Value::Object(headers.collect::<Map<_, _>>())
}
