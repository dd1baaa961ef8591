//! How a connection ends: told why, with nothing lost that cannot be resumed.

use std::time::Duration;

use crm::api::SocketLimits;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use crate::api::app::App;

#[tokio::test]
async fn shutdown_tells_clients_when_to_reconnect() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    app.supervisor.stop();
    let reconnect = client.frame().await;
    assert_eq!(reconnect["op"], "reconnect");
    assert!(reconnect["d"]["after_ms"].is_u64());
    assert_eq!(client.close_code().await, 1012);
    app.stop().await;
}

/// A client that reads again finds what was queued, without a hole, and then why it was closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_client_is_closed_and_can_resume() {
    let limits = SocketLimits {
        queue_frames: 4,
        slow_after: Duration::from_millis(200),
        farewell: Duration::from_secs(20),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    // More than the system keeps for a socket that nobody reads.
    let text = "x".repeat(60_000);
    let mut told = 0;
    while !app
        .get("/metrics")
        .await
        .text()
        .await
        .unwrap()
        .contains("crm_websocket_slow_consumers_total 1")
    {
        told += 1;
        assert!(told < 2000, "it is never found slow");
        app.inbound("Ada", "+447700900123", &format!("{text}{told:04}")).await;
    }
    let mut last = 0;
    let code = loop {
        match client.next().await {
            Message::Text(frame) => {
                let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
                let number = frame["s"].as_i64().unwrap();
                assert_eq!(number, last + 1, "no hole");
                last = number;
            }
            Message::Close(frame) => break u16::from(frame.unwrap().code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4015);
    drop(client);
    assert!(last < told, "something was left to resume");
    let (mut again, _) = Client::identified(&app, json!({ "resume_from": last })).await;
    assert_eq!(again.frame().await["s"], last + 1);
    drop(again);
    app.stop().await;
}

/// The client reads on only after the server has given up on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_client_reads_its_close_later() {
    let limits = SocketLimits {
        queue_frames: 100_000,
        queue_bytes: 200_000,
        slow_after: Duration::from_millis(100),
        farewell: Duration::from_millis(50),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    let text = "x".repeat(60_000);
    let mut told = 0;
    while !app
        .get("/metrics")
        .await
        .text()
        .await
        .unwrap()
        .contains("crm_websocket_slow_consumers_total 1")
    {
        told += 1;
        assert!(told < 2000, "its bytes are not counted");
        app.inbound("Ada", "+447700900123", &format!("{text}{told:04}")).await;
    }
    tokio::time::sleep(limits.farewell * 4).await;
    assert_eq!(client.close_code().await, 4015);
    app.stop().await;
}

async fn identified(app: &App, key: &str) -> Client {
    let mut client = Client::greeted(app).await;
    client.say(&json!({ "op": "identify", "d": { "token": key } })).await;
    assert_eq!(client.frame().await["op"], "ready");
    client
}

/// Long before the next heartbeat.
#[tokio::test]
async fn revoked_key_ends_its_connections() {
    let app = App::start().await;
    let created: serde_json::Value = app
        .post("/api/v1/keys", &json!({ "name": "short", "scope": "read" }))
        .await
        .json()
        .await
        .unwrap();
    let mut client = identified(&app, created["key"].as_str().unwrap()).await;
    let mut other = identified(&app, &app.key).await;
    let began = tokio::time::Instant::now();
    app.post(&format!("/api/v1/keys/{}/revoke", created["id"]), &json!({}))
        .await;
    assert_eq!(client.close_code().await, 4004);
    assert!(began.elapsed() < Duration::from_secs(5), "at once");
    other.say(&json!({ "op": "heartbeat", "s": 0 })).await;
    assert_eq!(other.frame().await["op"], "heartbeat_ack", "another key's stays");
    app.stop().await;
}

#[tokio::test]
async fn expired_key_ends_its_connections() {
    let app = App::start().await;
    let end = App::now().plus(Duration::from_millis(300));
    let created: serde_json::Value = app
        .post(
            "/api/v1/keys",
            &json!({ "name": "short", "scope": "read", "expires_at": end }),
        )
        .await
        .json()
        .await
        .unwrap();
    let mut client = identified(&app, created["key"].as_str().unwrap()).await;
    assert_eq!(client.close_code().await, 4004);
    app.stop().await;
}
