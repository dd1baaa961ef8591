//! Every error is a problem with a stable code, and says what is wrong and where.

use std::fmt::Write as _;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::app::App;

/// What is told of an error, without what differs from run to run.
async fn told(answer: Response) -> String {
    let status = answer.status();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let mut body: Value = answer.json().await.unwrap();
    assert_eq!(kind, "application/problem+json");
    assert_eq!(body["request_id"], id.as_str(), "header and body name the same request");
    assert_eq!(body["status"], status.as_u16());
    body["request_id"] = "…".into();
    serde_json::to_string_pretty(&body).unwrap()
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let app = App::start().await;
    let send = |body: &str| {
        app.request(Method::POST, "/api/v1/messages")
            .header("Content-Type", "application/json")
            .body(body.to_owned())
    };
    let long = "x".repeat(1_100_000);
    let requests = [
        ("no key", app.bare(Method::GET, "/api/v1/customers")),
        (
            "a wrong key",
            app.bare(Method::GET, "/api/v1/customers").bearer_auth("crm_nonsense"),
        ),
        ("no such path", app.request(Method::GET, "/api/v1/nothing")),
        ("no such method", app.request(Method::DELETE, "/api/v1/customers")),
        ("no such customer", app.request(Method::GET, "/api/v1/customers/7")),
        (
            "an id that is none",
            app.request(Method::GET, "/api/v1/customers/seven"),
        ),
        (
            "an unknown parameter",
            app.request(Method::GET, "/api/v1/customers?color=red"),
        ),
        (
            "a page too long",
            app.request(Method::GET, "/api/v1/customers?limit=5000"),
        ),
        (
            "a cursor that is none",
            app.request(Method::GET, "/api/v1/customers?after=soon"),
        ),
        ("no JSON", send("hello")),
        ("a body that breaks off", send(r#"{"to": "+447700900123""#)),
        ("an unknown field", send(r#"{"to": "+447700900123", "contents": "x"}"#)),
        ("a missing field", send(r#"{"to": "+447700900123"}"#)),
        (
            "a field of another type",
            send(r#"{"conversation_id": "one", "content": "x"}"#),
        ),
        ("two values", send(r#"{"to": "+447700900123", "content": "x"} {}"#)),
        (
            "not JSON by its type",
            app.request(Method::POST, "/api/v1/messages").body("to=1"),
        ),
        ("a body too large", send(&long)),
        ("no phone number", send(r#"{"to": "07700 900123", "content": "x"}"#)),
        (
            "two recipients",
            send(r#"{"to": "+447700900123", "conversation_id": 1, "content": "x"}"#),
        ),
        (
            "no such conversation",
            send(r#"{"conversation_id": 9, "content": "x"}"#),
        ),
        (
            "no such account",
            send(r#"{"to": "+447700900123", "content": "x", "account": "other"}"#),
        ),
        ("an empty text", send(r#"{"to": "+447700900123", "content": " \n"}"#)),
        (
            "a text with NUL",
            send(r#"{"to": "+447700900123", "content": "a\u0000b"}"#),
        ),
        ("a WebSocket without an upgrade", app.request(Method::GET, "/api/v1/ws")),
        (
            "another's name",
            app.request(Method::GET, "/healthz").header("Host", "evil.example"),
        ),
    ];
    let mut all = String::new();
    for (name, request) in requests {
        let answer = request.send().await.unwrap();
        writeln!(all, "## {name}\n{}\n", told(answer).await).unwrap();
    }
    insta::assert_snapshot!(all);
    app.stop().await;
}

#[tokio::test]
async fn longest_text_is_accepted_longer_is_refused() {
    let app = App::start().await;
    // Escaped throughout, so that the body is as large as a text can make it.
    let body = |length: usize| {
        let text = "\\ud83d\\ude00".repeat(length);
        let body = format!(r#"{{"to": "+447700900123", "content": "{text}"}}"#);
        app.request(Method::POST, "/api/v1/messages")
            .header("Content-Type", "application/json")
            .body(body)
    };
    assert_eq!(body(65_536).send().await.unwrap().status(), 202);
    let refused = body(65_537).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "text_too_long");
    assert_eq!(problem["errors"][0]["pointer"], "/content");
    app.stop().await;
}

#[tokio::test]
async fn decision_on_received_message_conflicts() {
    let app = App::start().await;
    let message = app.inbound("Ada", "+447700900123", "hello").await;
    for verb in ["retry", "cancel"] {
        let answer = app
            .post(&format!("/api/v1/messages/{}/{verb}", message.id), &json!({}))
            .await;
        assert_eq!(answer.status(), 409, "{verb}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "conflict");
    }
    let path = format!("/api/v1/messages/{}/resolve", message.id);
    assert_eq!(app.post(&path, &json!({ "state": "perhaps" })).await.status(), 422);
    assert_eq!(app.post(&path, &json!({ "state": "sent" })).await.status(), 409);
    app.stop().await;
}

/// A parameter that nobody looks at would be taken for one that was obeyed.
#[tokio::test]
async fn unknown_parameter_is_refused_everywhere() {
    let app = App::start().await;
    let text = json!({ "to": "+447700900123", "content": "x" });
    let sent = app.post("/api/v1/messages?dry_run=true", &text).await;
    assert_eq!(sent.status(), 400);
    let problem: Value = sent.json().await.unwrap();
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["pointer"]),
        (&json!("invalid_query"), &json!("/dry_run"))
    );
    let customers = app.json("/api/v1/customers").await;
    assert_eq!(customers["data"], json!([]), "nothing was sent");
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/ws"),
        ("GET", "/api/v1/status"),
        ("GET", "/api/v1/accounts"),
        ("GET", "/api/v1/accounts/default"),
        ("GET", "/api/v1/accounts/default/session"),
        ("DELETE", "/api/v1/accounts/other"),
        ("GET", "/api/v1/audit"),
        ("GET", "/api/v1/backup"),
        ("GET", "/api/v1/conversations"),
        ("GET", "/api/v1/conversations/1/messages"),
        ("POST", "/api/v1/conversations/1/read"),
        ("GET", "/api/v1/customers/1"),
        ("PATCH", "/api/v1/customers/1"),
        ("POST", "/api/v1/customers/1/merge"),
        ("GET", "/api/v1/export/messages"),
        ("GET", "/api/v1/keys"),
        ("POST", "/api/v1/keys/1/revoke"),
        ("GET", "/api/v1/media/1"),
        ("POST", "/api/v1/media"),
        ("PUT", "/api/v1/messages/1/reaction"),
        ("POST", "/api/v1/quarantine/replay"),
        ("POST", "/api/v1/outbox/resume"),
    ] {
        let answer = app
            .request(method.parse().unwrap(), &format!("{path}?dry_run"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{method} {path}");
        assert_eq!(
            answer.json::<Value>().await.unwrap()["code"],
            "invalid_query",
            "{method} {path}"
        );
    }
    app.stop().await;
}
