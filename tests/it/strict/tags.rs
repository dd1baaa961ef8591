//! Entity tags: what several people edit has one, and `If-Match` holds a change back that was meant for an older state.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{TO, of, problem};
use crate::api::app::App;

const STALE: &str = "\"nonsense\"";

async fn asked(app: &App, method: &str, path: &str, tag: &str, body: Option<&Value>) -> Response {
    let mut request = app
        .request(method.parse::<Method>().unwrap(), path)
        .header("If-Match", tag);
    if let Some(body) = body {
        request = request.json(body);
    }
    request.send().await.unwrap()
}

fn tag(answer: &Response) -> String {
    answer
        .headers()
        .get("etag")
        .map_or("", |tag| tag.to_str().unwrap())
        .to_owned()
}

/// A message for later, its path and its tag.
async fn scheduled(app: &App) -> (String, String) {
    let at = App::now().plus(Duration::from_hours(3)).to_string();
    let body = json!({ "to": TO, "content": "later", "send_at": at });
    let made: Value = app.post("/api/v1/messages", &body).await.json().await.unwrap();
    let path = format!("/api/v1/messages/{}", made["id"]);
    let seen = app.get(&path).await;
    assert_eq!(seen.status(), 200);
    let tag = tag(&seen);
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag:?}");
    (path, tag)
}

#[tokio::test]
async fn message_change_with_stale_tag_is_refused() {
    let app = App::start().await;
    let (path, first) = scheduled(&app).await;
    let edit = json!({ "content": "another" });
    let at = App::now().plus(Duration::from_hours(5)).to_string();
    let moved = json!({ "send_at": at });
    let emoji = json!({ "emoji": "👍" });
    let changes = [
        ("PATCH", path.clone(), Some(&edit)),
        ("PATCH", path.clone(), Some(&moved)),
        ("POST", format!("{path}/release"), None),
        ("POST", format!("{path}/cancel"), None),
        ("DELETE", path.clone(), None),
        ("PUT", format!("{path}/reaction"), Some(&emoji)),
        ("DELETE", format!("{path}/reaction"), None),
    ];
    for (method, path, body) in &changes {
        let answer = asked(&app, method, path, STALE, *body).await;
        assert_eq!(
            problem(answer).await,
            of(412, "precondition_failed", ""),
            "{method} {path}"
        );
    }
    assert_eq!(tag(&app.get(&path).await), first, "nothing was changed");

    let edited = asked(&app, "PATCH", &path, &first, Some(&edit)).await;
    assert_eq!(edited.status(), 202);
    let second = tag(&edited);
    assert_ne!(second, first);
    assert_eq!(tag(&app.get(&path).await), second);
    let late = asked(&app, "POST", &format!("{path}/cancel"), &first, None).await;
    assert_eq!(late.status(), 412);
    let moved = asked(&app, "PATCH", &path, &second, Some(&moved)).await;
    assert_eq!(moved.status(), 202);
    let released = asked(&app, "POST", &format!("{path}/release"), &tag(&moved), None).await;
    assert_eq!(released.status(), 200);
    assert_eq!(tag(&app.get(&path).await), tag(&released));
    let cancelled = asked(&app, "POST", &format!("{path}/cancel"), "*", None).await;
    assert_eq!(cancelled.status(), 200);
    assert_ne!(tag(&cancelled), tag(&released));
    app.stop().await;
}

/// A report of the customer's phone is no change that an editor could write over.
#[tokio::test]
async fn message_tag_names_what_has_changed() {
    let app = App::start().await;
    let (path, first) = scheduled(&app).await;
    asked(&app, "PATCH", &path, &first, Some(&json!({ "content": "another" }))).await;
    let late = asked(&app, "POST", &format!("{path}/release"), &first, None).await;
    let told: Value = late.json().await.unwrap();
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("content") && !detail.contains("send_at"), "{detail}");
    app.stop().await;
}

#[tokio::test]
async fn labels_of_things_honour_if_match() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    for thing in ["/api/v1/conversations/1", "/api/v1/customers/1"] {
        let path = format!("{thing}/labels/vip");
        for method in ["PUT", "DELETE"] {
            let first = tag(&app.get(thing).await);
            let stale = asked(&app, method, &path, STALE, None).await;
            assert_eq!(
                problem(stale).await,
                of(412, "precondition_failed", ""),
                "{method} {path}"
            );
            assert_eq!(tag(&app.get(thing).await), first, "{method} {path}");
            let done = asked(&app, method, &path, &first, None).await;
            assert_eq!(done.status(), 200, "{method} {path}");
            assert_ne!(tag(&done), first);
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn deletion_of_label_honours_if_match() {
    let app = App::start().await;
    app.post("/api/v1/labels", &json!({ "name": "vip" })).await;
    let path = "/api/v1/labels/vip";
    let stale = asked(&app, "DELETE", path, STALE, None).await;
    assert_eq!(problem(stale).await, of(412, "precondition_failed", ""));
    let seen = tag(&app.get(path).await);
    assert_eq!(asked(&app, "DELETE", path, &seen, None).await.status(), 204);
    app.stop().await;
}
