//! Messages for later, by REST. (That they go out at their time, or are held, is shown on the bridge.)

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{posted, refused, told};
use crate::api::app::App;

fn in_hours(hours: u64) -> String {
    App::now().plus(Duration::from_hours(hours)).to_string()
}

#[tokio::test]
async fn scheduled_message_waits_without_outbox_row() {
    let app = App::start().await;
    let heard = app.inbound("Ada", "+447700900123", "hello").await;
    let of = heard.conversation_id;
    let path = format!("/api/v1/conversations/{of}");
    let before = app.json(&path).await;
    let at = in_hours(3);
    let body = json!({ "conversation_id": of, "content": "Your order is ready", "send_at": at });
    let answer = app.post("/api/v1/messages", &body).await;
    assert_eq!(answer.status(), 202);
    let message: Value = answer.json().await.unwrap();
    assert_eq!(
        (&message["state"], &message["send_at"]),
        (&json!("scheduled"), &json!(at))
    );
    assert_eq!(message["ack"], Value::Null);
    let after = app.json(&path).await;
    assert_eq!(after["scheduled_count"], 1);
    for field in ["unread_count", "last_message_id", "last_message_at"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert!(app.store.outbox().counts().await.unwrap().is_empty());
    // The superseded system's clients do not see it.
    let customer = heard.customer_id.unwrap();
    let seed = app.json(&format!("/messages/{customer}")).await;
    assert_eq!(seed.as_array().unwrap().len(), 1);

    let place = format!("/api/v1/messages/{}", message["id"]);
    let later = in_hours(5);
    let change = json!({ "content": "Your order is almost ready", "send_at": later });
    let changed = app.request(Method::PATCH, &place).json(&change).send().await.unwrap();
    assert_eq!(changed.status(), 202);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(
        (&changed["send_at"], &changed["content"]),
        (&json!(later), &change["content"])
    );
    let cancelled = posted(&app, &format!("{place}/cancel"), &json!({})).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["failure"]["code"]),
        (&json!("failed"), &json!("cancelled"))
    );
    assert_eq!(app.json(&path).await["scheduled_count"], 0);
    for wrong in ["cancel", "release"] {
        assert_eq!(
            app.post(&format!("{place}/{wrong}"), &json!({})).await.status(),
            409,
            "{wrong}"
        );
    }
    assert_eq!(told(&app, "message.scheduled").await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn released_message_is_queued_now() {
    let app = App::start().await;
    let body = json!({ "to": "+447700900123", "content": "later", "send_at": in_hours(3) });
    let message = posted(&app, "/api/v1/messages", &body).await;
    let place = format!("/api/v1/messages/{}", message["id"]);
    let released = posted(&app, &format!("{place}/release"), &json!({})).await;
    assert_eq!(released["state"], "queued");
    assert!(released.get("send_at").is_none());
    let waiting = app.store.outbox().counts().await.unwrap();
    assert_eq!(waiting.iter().map(|count| count.waiting).sum::<u64>(), 1);
    let path = format!("/api/v1/conversations/{}", message["conversation_id"]);
    assert_eq!(app.json(&path).await["scheduled_count"], 0);
    app.stop().await;
}

#[tokio::test]
async fn repeated_scheduling_with_key_is_one() {
    let app = App::start().await;
    let body = json!({ "to": "+447700900123", "content": "later", "send_at": in_hours(3) });
    let send = || async {
        let request = app
            .request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", "S1");
        request.json(&body).send().await.unwrap()
    };
    let first: Value = send().await.json().await.unwrap();
    let second = send().await;
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.json::<Value>().await.unwrap(), first);
    assert_eq!(told(&app, "message.scheduled").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn wrong_times_are_refused_with_pointer() {
    let app = App::start().await;
    let past = App::now().minus(Duration::from_secs(1)).to_string();
    for at in [json!(past), json!(in_hours(24 * 400)), json!("tomorrow"), json!(17)] {
        let body = json!({ "to": "+447700900123", "content": "x", "send_at": at });
        let (status, _, problem) = refused(app.post("/api/v1/messages", &body).await).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/send_at")),
            "{at}"
        );
    }
    app.stop().await;
}
