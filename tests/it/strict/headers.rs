//! Headers that promise something: each is honoured or refused.

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
