//! rule 25: an answer to an idempotency key is replayed byte for byte, whatever its type is by then.

use std::time::Duration;

use crm::contract::{RawJson, SendRequest};
use crm::domain::hex::hex;
use crm::domain::{MessageId, OwnerId};
use futures_util::FutureExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::app::App;
use crate::ws::client::Client;

const TO: &str = "+447700900123";

/// As an older version wrote it: without fields that are required today, with others, and not as we would write it.
const OLDER: &str = r#"{"id":1, "content":"once","colour":{"b":1.50,"a":null},"url":"/api/v1/media/9"}"#;

/// Stores [`OLDER`] as the answer to a request.
async fn store_older(app: &App, key: &'static str, body_hash: [u8; 32], status: u16, message: Option<MessageId>) {
    let keys = app.json("/api/v1/keys").await;
    let scope = OwnerId(keys["data"][0]["id"].as_i64().unwrap());
    app.store
        .write(
            (scope, key, body_hash, status, message),
            |tx, &(scope, key, body_hash, status, message)| {
                async move {
                    let body = RawJson::from_text(OLDER.to_owned()).unwrap();
                    tx.answers().put(scope, key, &body_hash, status, &body, message).await
                }
                .boxed()
            },
        )
        .await
        .unwrap();
}

async fn is_replayed(answer: Response, status: u16, location: &str) {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["idempotent-replayed"], "true");
    assert_eq!(answer.headers()["location"], location);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.text().await.unwrap(), OLDER);
}

#[tokio::test]
async fn older_send_answer_is_replayed_unchanged() {
    let app = App::start().await;
    let request = SendRequest {
        to: Some(TO.to_owned()),
        content: "once".to_owned(),
        ..SendRequest::default()
    };
    let hash = Sha256::digest(serde_json::to_vec(&request).unwrap()).into();
    store_older(&app, "order-7", hash, 202, Some(MessageId(41))).await;
    let answer = app
        .request(Method::POST, "/api/v1/messages")
        .header("Idempotency-Key", "order-7")
        .json(&request)
        .send()
        .await
        .unwrap();
    is_replayed(answer, 202, "/api/v1/messages/41").await;

    let (mut client, _) = Client::identified(&app, json!({})).await;
    let d = json!({ "to": TO, "content": "once", "idempotency_key": "order-7" });
    let reply = client.command("send", &json!("a"), d).await;
    assert_eq!(
        (&reply["status"], &reply["idempotent_replayed"]),
        (&json!(202), &json!(true))
    );
    assert_eq!(reply["d"], serde_json::from_str::<Value>(OLDER).unwrap());
    let sent = app.json("/api/v1/outbox").await;
    assert_eq!(sent["waiting"], json!([]), "nothing was sent a second time");
    app.stop().await;
}

#[tokio::test]
async fn older_upload_answer_is_replayed_unchanged() {
    let app = App::start().await;
    let file = hex(&Sha256::digest("one"));
    let hash = Sha256::digest(format!("{file}\0application/octet-stream\0")).into();
    store_older(&app, "f-1", hash, 201, None).await;
    let answer = app
        .request(Method::POST, "/api/v1/media")
        .header("Idempotency-Key", "f-1")
        .body("one")
        .send()
        .await
        .unwrap();
    is_replayed(answer, 201, "/api/v1/media/9").await;
    app.stop().await;
}

/// The first answer and its replay are the same bytes.
#[tokio::test]
async fn replay_has_bytes_of_first_answer() {
    let app = App::start().await;
    let send = async || {
        app.request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", "k")
            .json(&json!({ "to": TO, "location": { "latitude": 51.5, "longitude": -0.1195, "name": "Hall" } }))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    let first = send().await;
    assert!(first.contains(r#""latitude":51.5,"longitude":-0.1195"#), "{first}");
    assert_eq!(send().await, first);
    app.stop().await;
}

/// With whatever the program puts before it for its own use.
#[tokio::test]
async fn longest_key_is_taken_on_every_path() {
    let app = App::start().await;
    let (longest, longer) = ("k".repeat(255), "k".repeat(256));
    let text = json!({ "to": TO, "content": "once" });
    let send = async |key: &str| {
        let request = app
            .request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", key);
        request.json(&text).send().await.unwrap()
    };
    let first = send(&longest).await;
    assert_eq!(first.status(), 202, "{}", first.text().await.unwrap());
    let again = send(&longest).await;
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotent-replayed"]),
        (202, &"true".parse().unwrap())
    );
    assert_eq!(send(&format!("{}j", &longest[1..])).await.status(), 202, "another key");
    assert_eq!(send(&longer).await.status(), 400);

    let upload = async |key: &str| {
        let request = app
            .request(Method::POST, "/api/v1/media")
            .header("Idempotency-Key", key)
            .header("Content-Type", "text/plain");
        request.body("file").send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload(&longest.replace('k', "m")).await, 201);
    assert_eq!(upload(&longer).await, 400);

    let (mut client, _) = Client::identified(&app, json!({})).await;
    let command = |key: &str| json!({ "to": TO, "content": "once", "idempotency_key": key });
    let umlauts = "\u{fc}".repeat(255);
    let reply = client.command("send", &json!(1), command(&umlauts)).await;
    assert_eq!(reply["status"], 400, "a header could not carry it: {reply}");
    let reply = client.command("send", &json!(1), command(&longest)).await;
    assert_eq!(
        (&reply["status"], &reply["idempotent_replayed"]),
        (&json!(202), &json!(true))
    );
    let twice = app
        .request(Method::POST, "/api/v1/messages")
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    assert_eq!(twice.json(&text).send().await.unwrap().status(), 400);
    app.stop().await;
}

/// A message has its key for ever, the answer to it is kept for two days: another request is never taken for the first.
#[tokio::test]
async fn key_of_pruned_answer_takes_no_other_request() {
    let app = App::start().await;
    let send = async |content: &str| {
        let request = app
            .request(Method::POST, "/api/v1/messages")
            .header("Idempotency-Key", "reminder-17");
        request
            .json(&json!({ "to": TO, "content": content }))
            .send()
            .await
            .unwrap()
    };
    let first: Value = send("tomorrow at nine").await.json().await.unwrap();
    let later = App::now().plus(Duration::from_hours(72));
    app.store.answers().prune(later).await.unwrap();
    let again: Value = send("tomorrow at nine").await.json().await.unwrap();
    assert_eq!(again["id"], first["id"], "it is not sent twice");
    app.store.answers().prune(later).await.unwrap();
    let other = send("tomorrow at ten").await;
    assert_eq!(other.status(), 422);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_mismatch");
    app.stop().await;
}
