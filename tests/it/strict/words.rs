//! Errors speak the words of the trade, and name the place.

use reqwest::Response;
use serde_json::{Value, json};

use super::{TO, of, problem, sent};
use crate::api::app::App;

/// Ids have one form, so that a path names a thing in one way.
#[tokio::test]
async fn id_in_another_form_is_none() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    for id in ["+1", "01", "-1", "1.0", "%201"] {
        for path in ["/api/v1/customers", "/api/v1/messages", "/messages"] {
            let answer = app.get(&format!("{path}/{id}")).await;
            assert_eq!(problem(answer).await, of(400, "invalid_path", ""), "{path}/{id}");
        }
    }
    let label = "/api/v1/customers/01/labels/vip";
    assert_eq!(sent(&app, "PUT", label, "").await.status(), 400);
    let digits = "/api/v1/customers/1/labels/007";
    assert_eq!(sent(&app, "PUT", digits, "").await.status(), 200, "a name is no id");
    app.stop().await;
}

/// An error speaks the words of the trade, and names the place.
#[tokio::test]
async fn wrong_input_is_told_in_plain_words() {
    let app = App::start().await;
    let told = async |answer: Response| {
        let problem: Value = answer.json().await.unwrap();
        let error = &problem["errors"][0];
        let detail = error["detail"].as_str().unwrap_or_default().to_owned();
        (error["pointer"].as_str().unwrap_or_default().to_owned(), detail)
    };
    let send = async |body: Value| told(app.post("/api/v1/messages", &body).await).await;
    for (body, pointer, words) in [
        (json!("x"), "", "an object"),
        (
            json!({ "conversation_id": "one", "content": "x" }),
            "/conversation_id",
            "a whole number",
        ),
        (
            json!({ "conversation_id": 1.5, "content": "x" }),
            "/conversation_id",
            "a whole number",
        ),
        (json!({ "to": 5, "content": "x" }), "/to", "a text"),
        (
            json!({ "to": TO, "content": "x", "force": "yes" }),
            "/force",
            "true or false",
        ),
        (
            json!({ "to": TO, "content": "x", "send_at": "9999-12-31T23:59:59Z" }),
            "/send_at",
            "2026-",
        ),
        (
            json!({ "to": TO, "content": "x", "send_at": "soon" }),
            "/send_at",
            "2026-",
        ),
        (json!({ "to": TO, "content": "x", "send_at": 5 }), "/send_at", "2026-"),
        (
            json!({ "to": TO, "location": { "longitude": 1.0 } }),
            "/location/latitude",
            "missing",
        ),
    ] {
        let (at, detail) = send(body.clone()).await;
        assert_eq!(at, pointer, "{body}: {detail}");
        assert!(detail.contains(words), "{body}: {detail}");
        for rust in ["struct", "i64", "map", "u64", "string", "jiff", "parse"] {
            assert!(!detail.contains(rust), "{body}: {detail}");
        }
    }
    for (path, pointer, words) in [
        ("/api/v1/export/messages?from=x", "/from", "2026-"),
        ("/api/v1/audit?until=x", "/until", "2026-"),
        ("/api/v1/export/messages?account_id=x", "/account_id", "a whole number"),
        ("/api/v1/conversations?unread=maybe", "/unread", "true or false"),
        ("/api/v1/customers?limit=x", "/limit", "a whole number"),
        ("/api/v1/customers?limit=1&limit=2", "/limit", "more than once"),
        ("/api/v1/customers?search=a&search=b", "/search", "more than once"),
        (
            "/api/v1/export/messages?from=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00Z",
            "/from",
            "more than once",
        ),
    ] {
        let (at, detail) = told(app.get(path).await).await;
        assert_eq!(at, pointer, "{path}: {detail}");
        assert!(detail.contains(words), "{path}: {detail}");
    }
    app.stop().await;
}

#[tokio::test]
async fn audit_action_that_is_none_is_refused() {
    let app = App::start().await;
    // What is done and never audited would be an empty list that says that nobody did it.
    for action in [
        "nope",
        "WS%20send",
        "message.send",
        "ROOM%20!help",
        "GET%20/customers/summary",
    ] {
        let answer = app.get(&format!("/api/v1/audit?action={action}")).await;
        assert_eq!(problem(answer).await, of(400, "invalid_query", "/action"), "{action}");
    }
    for action in ["key.create", "POST", "/api/v1/keys", "WS%20note", "ROOM"] {
        app.json(&format!("/api/v1/audit?action={action}")).await;
    }
    app.stop().await;
}
