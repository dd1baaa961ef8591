//! The front end's requests.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOW, pointer, post, read, rows, told};
use crate::api::app::App;

#[tokio::test]
async fn summary_lists_latest_customer_first() {
    let app = App::start().await;
    assert_eq!(app.json("/customers/summary").await, json!([]));
    for (phone, name, content, id, at) in [
        ("447700900101", "Ada", "first", "W1", "2026-09-21T14:00:00Z"),
        ("447700900102", "Bob", "second", "W2", "2026-09-21T14:00:01Z"),
        ("447700900101", "Ada", "third", "W3", "2026-09-21T14:00:02Z"),
    ] {
        let mut body = told(phone, name, content, id);
        body["timestamp"] = at.into();
        assert_eq!(post(&app, "/messages/inbox", &body).await.0, 200);
    }
    let customer = |id: i64, name: &str, phone: &str, unread: i64, last: &str| {
        json!({
            "id": id, "name": name, "phone": phone, "status": "active", "photo_url": null, "unread_count": unread,
            "created_at": NOW, "updated_at": NOW, "last_message": last,
        })
    };
    let (ada, bob) = (
        customer(1, "Ada", "+447700900101", 2, "third"),
        customer(2, "Bob", "+447700900102", 1, "second"),
    );
    assert_eq!(app.json("/customers/summary").await, json!([ada, bob]));
    assert_eq!(app.json("/customers/summary?limit=1").await, json!([ada]));
    assert_eq!(app.json("/customers/summary?limit=5&offset=1").await, json!([bob]));
    assert_eq!(app.json("/customers/summary?offset=2").await, json!([]));
    assert_eq!(app.json("/customers/summary?limit=0").await, json!([]));
    let (status, problem) = read(app.get("/customers/summary?page=2").await).await;
    assert_eq!((status, pointer(&problem)), (400, "/page"));
    app.stop().await;
}

#[tokio::test]
async fn history_is_whole_and_oldest_first() {
    let app = App::start().await;
    let inbound = app.inbound("Ada", "+447700900101", "hello").await;
    let customer = inbound.customer_id.unwrap();
    let sent = json!({ "customer_id": customer, "content": "hi, Ada" });
    let (status, outbound) = post(&app, "/messages/send", &sent).await;
    assert_eq!(status, 200);
    let message = |id: i64, direction: &str, content: &str, whatsapp_id: Value| {
        json!({
            "id": id, "customer_id": 1, "direction": direction, "content": content, "timestamp": NOW, "ack": null,
            "whatsapp_id": whatsapp_id,
        })
    };
    assert_eq!(outbound, message(2, "outbound", "hi, Ada", Value::Null));
    let history = json!([message(1, "inbound", "hello", "IN1".into()), outbound]);
    assert_eq!(app.json("/messages/1").await, history);
    assert_eq!(app.json("/messages/1?limit=1&offset=1").await, json!([outbound]));
    assert_eq!(app.json("/customers/summary").await[0]["last_message"], "hi, Ada");
    for (path, status) in [("/messages/2", 404), ("/messages/ada", 400), ("/messages/send", 405)] {
        assert_eq!(app.get(path).await.status(), status, "{path}");
    }
    app.stop().await;
}

/// Longer than what is held in memory at once, in both lists.
#[tokio::test]
async fn long_lists_are_whole_without_limit() {
    let app = App::start().await;
    for number in 0..450 {
        app.inbound("Ada", "+447700900101", &format!("{number}")).await;
        app.inbound("Somebody", &format!("+4477008{number:05}"), "hello").await;
    }
    assert_eq!(rows(app.get("/customers/summary").await).await, 451);
    assert_eq!(rows(app.get("/customers/summary?limit=401").await).await, 401);
    let history = app.json("/messages/1").await;
    let contents: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["content"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (0..450).map(|number| number.to_string()).collect();
    assert_eq!(contents, expected);
    assert_eq!(rows(app.get("/messages/1?offset=300").await).await, 150);
    app.stop().await;
}

#[tokio::test]
async fn send_is_refused_as_everywhere() {
    let app = App::start().await;
    let customer = app.inbound("Ada", "+447700900101", "hello").await.customer_id.unwrap();
    let body = |content: &str| json!({ "customer_id": customer, "content": content });
    for (content, code) in [
        ("  ", "empty_text"),
        ("a\0b", "invalid_body"),
        (&"a".repeat(70_000), "text_too_long"),
    ] {
        let (status, problem) = post(&app, "/messages/send", &body(content)).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some(code)));
        assert_eq!(pointer(&problem), "/content");
    }
    let unknown = json!({ "customer_id": 77, "content": "hello" });
    assert_eq!(post(&app, "/messages/send", &unknown).await.0, 404);
    let wrong = json!({ "customer_id": "1", "content": "hello" });
    let (status, problem) = post(&app, "/messages/send", &wrong).await;
    assert_eq!((status, pointer(&problem)), (422, "/customer_id"));
    assert_eq!(
        app.json("/messages/1").await.as_array().unwrap().len(),
        1,
        "nothing was sent"
    );
    app.stop().await;
}

/// rule 25.
#[tokio::test]
async fn repeated_send_is_answered_from_first() {
    let app = App::start().await;
    let customer = app.inbound("Ada", "+447700900101", "hello").await.customer_id.unwrap();
    let send = async |path: &str, body: Value| {
        let request = app
            .request(Method::POST, path)
            .header("Idempotency-Key", "k1")
            .json(&body);
        request.send().await.unwrap()
    };
    let body = json!({ "customer_id": customer, "content": "once" });
    let first = send("/messages/send", body.clone()).await;
    assert!(!first.headers().contains_key("idempotent-replayed"));
    let (_, first) = read(first).await;
    let again = send("/messages/send", body.clone()).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(read(again).await, (200, first));
    let other = send("/messages/send", json!({ "customer_id": customer, "content": "twice" })).await;
    assert_eq!(other.status(), 422);
    // The same words to the API proper are another request.
    let proper = send(
        "/api/v1/messages",
        json!({ "customer_id": customer, "content": "once" }),
    )
    .await;
    assert_eq!(proper.status(), 422);
    assert_eq!(app.json("/messages/1").await.as_array().unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn tables_have_superseded_columns() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900101", "hello").await;
    app.inbound("Bob", "+447700900102", "hello").await;
    assert_eq!(app.json("/tables").await, json!(["customers", "messages"]));
    let customers = app.json("/tables/customers?limit=1&offset=1").await;
    let bob = json!({
        "id": 2, "name": "Bob", "phone": "+447700900102", "status": "active", "photo_url": null, "unread_count": 0,
        "created_at": NOW, "updated_at": NOW,
    });
    assert_eq!(customers, json!([bob]));
    let messages = app.json("/tables/messages?limit=1").await;
    let hello = json!({
        "id": 1, "customer_id": 1, "direction": "inbound", "content": "hello", "timestamp": NOW, "ack": null,
        "whatsapp_id": "IN1",
    });
    assert_eq!(messages, json!([hello]));
    for (path, status) in [
        ("/tables/api_keys", 404),
        ("/tables/customers?limit=0", 400),
        ("/tables/customers?limit=1001", 400),
        ("/tables/customers?offset=-1", 400),
        ("/tables/messages?order=asc", 400),
    ] {
        assert_eq!(app.get(path).await.status(), status, "{path}");
    }
    let far = app.json("/tables/messages?offset=18446744073709551615").await;
    assert_eq!(far, json!([]));
    app.stop().await;
}

#[tokio::test]
async fn only_listed_origins_are_answered_in_browsers() {
    let app = App::open_to(&["https://shop.example"]).await;
    let preflight = async |origin: &str| {
        let request = app.bare(Method::OPTIONS, "/messages/send").header("Origin", origin);
        let request = request
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        request.send().await.unwrap()
    };
    let allowed = preflight("https://shop.example").await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://shop.example");
    let headers = allowed.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(headers.contains("authorization"), "{headers}");
    let other = preflight("https://evil.example").await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
    let customer = app.inbound("Ada", "+447700900101", "hello").await.customer_id.unwrap();
    let body = json!({ "customer_id": customer, "content": "hi" });
    for (origin, status) in [
        ("https://shop.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let request = app.request(Method::POST, "/messages/send").header("Origin", origin);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{origin}");
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), status == 200, "{origin}");
    }
    // The key is asked for whatever the origin, and the page may read that.
    let bare = app
        .bare(Method::GET, "/customers/summary")
        .header("Origin", "https://shop.example");
    let bare = bare.send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.headers()["access-control-allow-origin"], "https://shop.example");
    app.stop().await;
}
