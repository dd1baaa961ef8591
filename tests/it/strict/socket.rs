//! The WebSocket: frames, data and keys are looked at as those of REST are.

use std::collections::BTreeSet;

use crm::api::AccessRules;
use futures_util::SinkExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::TO;
use crate::api::app::App;
use crate::ws::client::Client;

/// A key beside `d` instead of in it would not protect from a second message.
#[tokio::test]
async fn unknown_field_of_frame_is_answered_by_its_id() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    let text = json!({ "to": TO, "content": "once" });
    client
        .say(&json!({ "op": "send", "id": 1, "idempotency_key": "TOP", "d": text }))
        .await;
    let reply = client.frame().await;
    assert_eq!(
        (&reply["op"], &reply["id"], &reply["status"]),
        (&json!("reply"), &json!(1), &json!(422)),
        "{reply}"
    );
    assert_eq!(reply["d"]["errors"][0]["pointer"], "/idempotency_key");
    let detail = reply["d"]["detail"].as_str().unwrap();
    assert!(detail.contains("idempotency_key") && detail.contains("`d`"), "{detail}");
    client
        .say(&json!({ "op": "send", "id": "two", "s": "x", "d": text }))
        .await;
    let reply = client.frame().await;
    assert_eq!(
        (&reply["id"], &reply["status"]),
        (&json!("two"), &json!(422)),
        "{reply}"
    );
    assert_eq!(reply["d"]["errors"][0]["pointer"], "/s");
    assert_eq!(
        app.json("/api/v1/outbox").await["waiting"],
        json!([]),
        "nothing was sent"
    );
    client
        .say(&json!({ "op": "send", "id": 3, "s": null, "t": null, "d": text }))
        .await;
    let reply = client.reply(&json!(3)).await;
    assert_eq!(reply["status"], 202, "the connection goes on: {reply}");
    app.stop().await;
}

#[tokio::test]
async fn frame_that_is_no_object_is_closed() {
    let app = App::start().await;
    for frame in [
        json!({ "op": "heartbeat", "seq": 1 }),
        json!({ "op": "send", "d": {}, "idempotency_key": "k" }),
        json!(["send", 1, null, { "to": TO, "content": "x" }]),
        json!({ "id": 1, "d": {} }),
    ] {
        let (mut client, _) = Client::identified(&app, json!({})).await;
        client.say(&frame).await;
        assert_eq!(client.close_code().await, 4002, "{frame}");
    }
    for (frame, code) in [
        (
            json!({ "op": "identify", "d": { "token": app.key }, "token": "x" }),
            4002,
        ),
        (
            json!({ "op": "identify", "id": 1, "d": { "token": app.key }, "x": 1 }),
            4002,
        ),
        (json!({ "op": "identify", "d": [app.key, null, null] }), 4002),
        (
            json!({ "op": "identify", "d": { "token": app.key, "filter": [["message.received"], null, null] } }),
            4013,
        ),
        (
            json!({ "op": "identify", "d": { "token": app.key, "filter": { "conversation_ids": [77] } } }),
            4013,
        ),
    ] {
        let mut client = Client::greeted(&app).await;
        let _ = client.stream.send(Message::text(frame.to_string())).await;
        assert_eq!(client.close_code().await, code, "{frame}");
    }
    app.stop().await;
}

#[tokio::test]
async fn array_inside_command_is_refused() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    for (d, pointer) in [
        (json!({ "to": TO, "location": [51.5, -0.1, null, null] }), "/location"),
        (json!({ "to": TO, "media": [1, null] }), "/media"),
    ] {
        let reply = client.command("send", &json!(1), d.clone()).await;
        assert_eq!(reply["status"], 422, "{reply}");
        assert_eq!(reply["d"]["errors"][0]["pointer"], pointer, "{reply}");
        let rest = app.post("/api/v1/messages", &d).await;
        assert_eq!(rest.status(), 422, "{d}");
        assert_eq!(rest.json::<Value>().await.unwrap()["errors"][0]["pointer"], pointer);
    }
    app.stop().await;
}

/// As in REST: a log line and an answer belong together.
#[tokio::test]
async fn each_socket_problem_has_its_own_request_id() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    let mut ids = BTreeSet::new();
    for n in 0..3 {
        let reply = client
            .command("mark_read", &json!(n), json!({ "conversation_id": 9 }))
            .await;
        ids.insert(reply["d"]["request_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3, "{ids:?}");
    app.stop().await;
}

#[tokio::test]
async fn socket_over_quota_is_told_when_to_return() {
    let app = App::ruled(AccessRules {
        writes_per_minute: 1,
        ..AccessRules::default()
    })
    .await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    let d = json!({ "conversation_id": 9 });
    assert_eq!(client.command("mark_read", &json!(1), d.clone()).await["status"], 404);
    let reply = client.command("mark_read", &json!(2), d).await;
    assert_eq!(reply["status"], 429);
    let after = reply["d"]["retry_after_ms"].as_u64().unwrap_or_default();
    assert!((1..=60_000).contains(&after), "{reply}");
    app.stop().await;
}

/// One rule for both: a key has 1 to 255 printable ASCII characters.
#[tokio::test]
async fn idempotency_key_has_one_rule_for_rest_and_socket() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    for (key, is_taken) in [
        ("é", false),
        ("", false),
        ("a\u{7f}", false),
        ("a b~", true),
        ("k-1", true),
    ] {
        let text = json!({ "to": TO, "content": key.len().to_string() });
        let mut d = text.clone();
        d["idempotency_key"] = json!(key);
        let reply = client.command("send", &json!(1), d).await;
        let rest = app.request(Method::POST, "/api/v1/messages").json(&text);
        let rest = match reqwest::header::HeaderValue::from_bytes(key.as_bytes()) {
            Ok(key) => rest
                .header("Idempotency-Key", key)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
            Err(_) => 400,
        };
        let expected = if is_taken { 202 } else { 400 };
        assert_eq!(
            (&reply["status"], rest),
            (&json!(expected), expected),
            "{key:?}: {reply}"
        );
    }
    app.stop().await;
}
