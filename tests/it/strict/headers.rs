//! Headers that promise something: each is honoured or refused.

use reqwest::Method;

use super::{TO, problem};
use crate::api::app::App;

/// A condition that nobody checks would be taken for one that held.
#[tokio::test]
async fn if_match_is_refused_where_nothing_has_a_tag() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    for (method, path) in [
        ("POST", "/api/v1/messages"),
        ("POST", "/api/v1/customers/1/opt-out"),
        ("POST", "/api/v1/conversations/1/read"),
        ("POST", "/api/v1/outbox/resume"),
        ("DELETE", "/api/v1/notes/1"),
        ("POST", "/messages/send"),
    ] {
        let request = app.request(method.parse().unwrap(), path).header("If-Match", "\"x\"");
        let (status, code, _) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (400, "malformed_request"), "{method} {path}");
    }
    app.stop().await;
}

/// A key that nobody keeps would be taken for one that protects from a second time.
#[tokio::test]
async fn idempotency_key_is_refused_where_not_kept() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    for (method, path) in [
        ("POST", "/messages/inbox"),
        ("POST", "/messages/ack"),
        ("POST", "/customers/photo"),
        ("POST", "/api/v1/customers/1/merge"),
        ("POST", "/api/v1/customers/1/opt-out"),
        ("POST", "/api/v1/messages/1/release"),
        ("POST", "/api/v1/quarantine/replay"),
        ("PATCH", "/api/v1/customers/1"),
        ("DELETE", "/api/v1/messages/1"),
    ] {
        let request = app.request(method.parse().unwrap(), path);
        let request = request.header("Idempotency-Key", "k").send().await.unwrap();
        let (status, code, _) = problem(request).await;
        assert_eq!((status, code.as_str()), (400, "bad_idempotency_key"), "{method} {path}");
    }
    let read = app
        .request(Method::GET, "/api/v1/customers")
        .header("Idempotency-Key", "k");
    assert_eq!(read.send().await.unwrap().status(), 200, "a repeated read does no harm");
    app.stop().await;
}
