//! Sending by REST.

use crm::contract::Scope;
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::app::App;

const TO: &str = "+447700900123";

async fn send(app: &App, key: &str, idempotency_key: Option<&str>, body: &Value) -> Response {
    let mut request = app.bare(Method::POST, "/api/v1/messages").bearer_auth(key).json(body);
    if let Some(idempotency_key) = idempotency_key {
        request = request.header("Idempotency-Key", idempotency_key);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn send_answers_202_with_location() {
    let app = App::start().await;
    let key = app.key_of(Scope::Send).await;
    let answer = send(&app, &key, None, &json!({ "to": TO, "content": "hello" })).await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let message: Value = answer.json().await.unwrap();
    insta::assert_json_snapshot!(message);
    assert_eq!(app.json(&location).await, message);

    let by_conversation = json!({ "conversation_id": message["conversation_id"], "content": "again" });
    let again: Value = send(&app, &key, None, &by_conversation).await.json().await.unwrap();
    assert_eq!(again["customer_id"], message["customer_id"]);
    let by_customer =
        json!({ "customer_id": message["customer_id"], "content": "and again", "reply_to": message["id"] });
    let third: Value = send(&app, &key, None, &by_customer).await.json().await.unwrap();
    assert_eq!(third["reply_to"], message["id"]);
    app.stop().await;
}

/// rule 25.
#[tokio::test]
async fn idempotency_key_replays_same_body_only() {
    let app = App::start().await;
    let body = json!({ "to": TO, "content": "once" });
    let first = send(&app, &app.key, Some("order-7"), &body).await;
    assert_eq!(
        (first.status().as_u16(), first.headers().get("idempotent-replayed")),
        (202, None)
    );
    let first: Value = first.json().await.unwrap();

    // The same request, spelt otherwise.
    let again = app
        .request(Method::POST, "/api/v1/messages")
        .header("Idempotency-Key", "order-7")
        .header("Content-Type", "application/json")
        .body(format!("{{ \"content\": \"once\",\n \"to\": \"{TO}\" }}"))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 202);
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);

    let other = send(
        &app,
        &app.key,
        Some("order-7"),
        &json!({ "to": TO, "content": "twice" }),
    )
    .await;
    assert_eq!(other.status(), 422);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_mismatch");

    // Another caller's key of the same name is another key.
    let stranger = app.key_of(Scope::Send).await;
    let theirs: Value = send(&app, &stranger, Some("order-7"), &body)
        .await
        .json()
        .await
        .unwrap();
    assert_ne!(theirs["id"], first["id"]);

    for bad in ["", &"k".repeat(256)] {
        let refused = send(&app, &app.key, Some(bad), &body).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.json::<Value>().await.unwrap()["code"], "bad_idempotency_key");
    }
    app.stop().await;
}

/// rule 25.
#[tokio::test]
async fn parallel_sends_under_one_key_make_one() {
    let app = App::start().await;
    let body = json!({ "to": TO, "content": "once" });
    let answers = join_all((0..20).map(|_| send(&app, &app.key, Some("k"), &body))).await;
    let mut ids = vec![];
    for answer in answers {
        assert_eq!(answer.status(), 202);
        ids.push(answer.json::<Value>().await.unwrap()["id"].as_i64().unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let messages = app.json("/api/v1/conversations/1/messages").await;
    assert_eq!(messages["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn queued_message_can_be_cancelled() {
    let app = App::start().await;
    let body = json!({ "to": TO, "content": "too hasty" });
    let message: Value = send(&app, &app.key, None, &body).await.json().await.unwrap();
    let path = format!("/api/v1/messages/{}", message["id"]);
    let cancelled = app.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(cancelled.status(), 200);
    assert_eq!(cancelled.json::<Value>().await.unwrap()["state"], "failed");
    let outbox = app.json("/api/v1/outbox").await;
    assert_eq!(outbox["waiting"], json!([]), "nothing is left to be sent");
    app.stop().await;
}
