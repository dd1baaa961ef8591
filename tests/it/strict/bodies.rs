//! Bodies: none where none is taken, and none that is encoded in a way that nobody undoes.

use crm::contract::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{TO, of, problem, sent};
use crate::api::app::App;

/// Every route that takes no body, as one that is sent names it.
const WITHOUT_BODY: &[(&str, &str)] = &[
    ("POST", "/api/v1/customers/1/opt-out"),
    ("POST", "/api/v1/customers/1/opt-in"),
    ("POST", "/api/v1/outbox/resume"),
    ("POST", "/api/v1/quarantine/replay"),
    ("POST", "/api/v1/clock/confirm"),
    ("POST", "/api/v1/conversations/1/read"),
    ("PUT", "/api/v1/conversations/1/labels/vip"),
    ("DELETE", "/api/v1/conversations/1/labels/vip"),
    ("PUT", "/api/v1/customers/1/labels/vip"),
    ("DELETE", "/api/v1/customers/1/labels/vip"),
    ("POST", "/api/v1/messages/1/release"),
    ("POST", "/api/v1/messages/1/cancel"),
    ("POST", "/api/v1/messages/1/retry"),
    ("DELETE", "/api/v1/messages/1"),
    ("DELETE", "/api/v1/messages/1/reaction"),
    ("POST", "/api/v1/media/1/fetch"),
    ("POST", "/api/v1/merges/1/undo"),
    ("DELETE", "/api/v1/notes/1"),
    ("DELETE", "/api/v1/labels/vip"),
    ("DELETE", "/api/v1/templates/x"),
    ("DELETE", "/api/v1/attributes/x"),
    ("DELETE", "/api/v1/exports/1"),
    ("POST", "/api/v1/keys/1/revoke"),
    ("POST", "/api/v1/accounts/default/logout"),
    ("POST", "/api/v1/accounts/default/takeover"),
    ("POST", "/api/v1/accounts/default/release"),
    ("DELETE", "/api/v1/accounts/other"),
];

/// A `dry_run` that nobody looks at would opt out, send or delete.
#[tokio::test]
async fn body_where_none_is_taken_is_refused() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let expected = |pointer: &str| of(422, "invalid_body", pointer);
    for (method, path) in WITHOUT_BODY {
        let answer = sent(&app, method, path, r#"{"dry_run":true}"#).await;
        assert_eq!(problem(answer).await, expected("/dry_run"), "{method} {path}");
    }
    let read = sent(&app, "GET", "/api/v1/customers/1", r#"{"a":1}"#).await;
    assert_eq!(read.status(), 200, "it changes nothing");
    let opt_out = "/api/v1/customers/1/opt-out";
    for body in ["[]", "1", "hello", "{", &"x".repeat(5000), r#"{"a/b":1}"#] {
        let pointer = if body.starts_with("{\"") { "/a~1b" } else { "" };
        let answer = sent(&app, "POST", opt_out, body).await;
        assert_eq!(problem(answer).await, expected(pointer), "{body:.20}");
    }
    let large = sent(&app, "POST", opt_out, &"x".repeat(1_100_000)).await;
    assert_eq!(problem(large).await.0, 413);
    let customer = app.json("/api/v1/customers/1").await;
    assert_eq!(customer["opted_out_at"], Value::Null, "{customer}");
    for body in ["", "{}", " {\n} ", "null"] {
        assert_eq!(sent(&app, "POST", opt_out, body).await.status(), 200, "{body:?}");
    }
    app.stop().await;
}

/// Of every body of a change, the fields that have no empty state: taken for absent, null would be an answer that lies.
#[tokio::test]
async fn null_is_refused_where_nothing_can_be_emptied() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    for (path, fields) in [
        ("agents/1", &["name", "role", "active"][..]),
        ("attributes/plan", &["choices"]),
        ("customers/1", &["status", "attributes"]),
        ("messages/1", &["content", "send_at"]),
        ("templates/hi", &["name", "body", "fields"]),
    ] {
        for field in fields {
            let body = json!({ *field: null }).to_string();
            let answer = sent(&app, "PATCH", &format!("/api/v1/{path}"), &body).await;
            // A word of a list is refused by the parser itself.
            let status = answer.status().as_u16();
            assert!(matches!(status, 400 | 422), "{path} {field}: {status}");
        }
    }
    let emptied = sent(&app, "PATCH", "/api/v1/customers/1", r#"{"name":null,"phone":null}"#).await;
    assert_eq!(emptied.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn account_in_another_form_is_told_plainly() {
    let app = App::start().await;
    for wrong in [json!(1.5), json!(true), json!([1]), json!({})] {
        let wanted = json!({ "name": "a", "scope": "read", "accounts": [wrong] });
        let answer = app.post("/api/v1/keys", &wanted).await;
        assert_eq!(answer.status(), 422, "{wrong}");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["errors"][0]["pointer"], "/accounts/0", "{told}");
        let detail = "this is no account; give its id, or its name as text";
        assert_eq!(told["detail"], detail, "{wrong}");
    }
    app.stop().await;
}

/// The bytes of an encoding that nobody undoes are not what the client means.
#[tokio::test]
async fn encoded_body_is_unsupported_everywhere() {
    let app = App::start().await;
    let text = json!({ "to": TO, "content": "x" });
    let post = |path: &str, encoding: &str| {
        app.request(Method::POST, path)
            .header("Content-Encoding", encoding)
            .json(&text)
            .send()
    };
    for path in [
        "/api/v1/messages",
        "/api/v1/media",
        "/api/v1/labels",
        "/messages/send",
        "/api/v1/outbox/resume",
    ] {
        for encoding in ["gzip", "br", "identity, gzip", "GZIP"] {
            let answer = post(path, encoding).await.unwrap();
            assert_eq!(answer.headers().get("accept-encoding").unwrap(), "identity", "{path}");
            assert_eq!(
                problem(answer).await,
                of(415, "unsupported_encoding", ""),
                "{path} {encoding}"
            );
        }
    }
    assert_eq!(post("/api/v1/messages", "Identity").await.unwrap().status(), 202);
    app.stop().await;
}

#[tokio::test]
async fn json_of_other_charset_is_unsupported() {
    let app = App::start().await;
    let send = async |kind: &str| {
        let request = app
            .request(Method::POST, "/api/v1/messages")
            .header("Content-Type", kind);
        let body = json!({ "to": TO, "content": "x" }).to_string();
        request.body(body).send().await.unwrap()
    };
    for kind in [
        "application/json; charset=utf-16",
        "application/json;charset=\"iso-8859-1\"",
        "application/json; profile=x; Charset=latin1",
    ] {
        assert_eq!(problem(send(kind).await).await.0, 415, "{kind}");
    }
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/merge-patch+json; charset=utf8",
    ] {
        assert_eq!(send(kind).await.status(), 202, "{kind}");
    }
    app.stop().await;
}

/// The envelope is not the file.
#[tokio::test]
async fn multipart_upload_is_told_to_send_bytes() {
    let app = App::start().await;
    let body = "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhello\r\n--x--\r\n";
    let upload = app.request(Method::POST, "/api/v1/media");
    let upload = upload
        .header("Content-Type", "multipart/form-data; boundary=x")
        .body(body);
    let answer = upload.send().await.unwrap();
    assert_eq!(answer.status(), 415);
    let problem: Value = answer.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("bytes"), "{problem}");
    app.stop().await;
}

/// The scope is checked before anything of the body is told.
#[tokio::test]
async fn key_without_scope_is_refused_before_its_body() {
    let app = App::start().await;
    let key = app.key_of(Scope::Read).await;
    for path in ["/api/v1/messages", "/api/v1/outbox/resume"] {
        let request = app.bare(Method::POST, path).bearer_auth(&key);
        let answer = request.json(&json!({ "nonsense": 1 })).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    app.stop().await;
}
