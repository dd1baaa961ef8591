//! How a connection begins, and what ends it before it has begun.

use std::time::Duration;

use crm::api::SocketLimits;
use crm::contract::Scope;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use crate::api::app::App;

#[tokio::test]
async fn hello_identify_ready() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let mut client = Client::connect(&app, Some("crm.v1.json"), None).await;
    let hello = client.frame().await;
    assert_eq!(hello["op"], "hello");
    assert_eq!(hello["d"]["heartbeat_interval_ms"], 30_000);
    assert!(hello["d"]["session_id"].as_str().unwrap().len() >= 16);
    client
        .say(&json!({ "op": "identify", "d": { "token": app.key } }))
        .await;
    let ready = client.frame().await;
    assert_eq!(ready, json!({ "op": "ready", "d": { "seq": 1, "oldest": 1 } }));
    app.stop().await;
}

#[tokio::test]
async fn key_in_header_makes_identify_optional() {
    let limits = SocketLimits {
        header_grace: Duration::from_millis(50),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let key = app.key_of(Scope::Read).await;
    let mut silent = Client::connect(&app, None, Some(&key)).await;
    assert_eq!(silent.frame().await["op"], "hello");
    assert_eq!(silent.frame().await["op"], "ready");

    let mut speaking = Client::connect(&app, Some("crm.v1.json"), Some(&key)).await;
    speaking
        .say(&json!({ "op": "identify", "d": { "resume_from": 0 } }))
        .await;
    assert_eq!(speaking.frame().await["op"], "hello");
    assert_eq!(speaking.frame().await["op"], "ready");
    assert_eq!(speaking.frame().await["s"], 1);
    assert_eq!(speaking.frame().await["d"]["replayed"], 1);

    // What comes first is answered, however soon it comes.
    let mut hasty = Client::connect(&app, Some("crm.v1.json"), Some(&key)).await;
    hasty.say(&json!({ "op": "heartbeat", "s": 1 })).await;
    for op in ["hello", "ready", "heartbeat_ack"] {
        assert_eq!(hasty.frame().await["op"], op);
    }
    let mut commanding = Client::connect(&app, Some("crm.v1.json"), Some(&key)).await;
    let reply = commanding
        .command("mark_read", &json!(7), json!({ "conversation_id": 1 }))
        .await;
    assert_eq!(reply["status"], 403, "the key may only read: {reply}");

    let refused = app
        .bare(Method::GET, "/api/v1/ws")
        .bearer_auth("crm_nonsense")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    app.stop().await;
}

#[tokio::test]
async fn wrong_first_frame_is_closed_with_code() {
    let app = App::start().await;
    let identify = |d: serde_json::Value| Message::text(json!({ "op": "identify", "d": d }).to_string());
    let key = &app.key;
    let cases = [
        ("not JSON", Message::text("hello"), 4002),
        ("JSON without an op", Message::text("{}"), 4002),
        ("bytes", Message::binary(vec![1, 2, 3]), 4002),
        ("a command first", Message::text(r#"{"op":"send","id":1,"d":{}}"#), 4003),
        ("a heartbeat first", Message::text(r#"{"op":"heartbeat"}"#), 4003),
        ("no key", identify(json!({})), 4004),
        ("a wrong key", identify(json!({ "token": "crm_nonsense" })), 4004),
        ("an unknown field", identify(json!({ "token": key, "since": 3 })), 4002),
        ("the future", identify(json!({ "token": key, "resume_from": 1 })), 4007),
        (
            "before the beginning",
            identify(json!({ "token": key, "resume_from": -1 })),
            4007,
        ),
        (
            "an unknown type",
            identify(json!({ "token": key, "filter": { "types": ["message.eaten"] } })),
            4013,
        ),
        (
            "an unknown filter",
            identify(json!({ "token": key, "filter": { "colour": "red" } })),
            4013,
        ),
        (
            "an unknown account",
            identify(json!({ "token": key, "filter": { "account": "other" } })),
            4013,
        ),
        ("too large", Message::text("x".repeat(1024 * 1024 + 1)), 1009),
    ];
    for (name, message, code) in cases {
        let mut client = Client::greeted(&app).await;
        futures_util::SinkExt::send(&mut client.stream, message).await.unwrap();
        assert_eq!(client.close_code().await, code, "{name}");
    }
    let mut other = Client::connect(&app, Some("graphql-ws, crm.v1.json"), None).await;
    assert_eq!(other.frame().await["op"], "hello", "ours is among them");
    let mut large = Client::greeted(&app).await;
    let first = Message::text(format!(
        r#"{{"op":"identify","d":{{"token":"{key}"}}}}{}"#,
        " ".repeat(1024)
    ));
    futures_util::SinkExt::send(&mut large.stream, first).await.unwrap();
    assert_eq!(large.close_code().await, 1009, "a first frame is short");
    app.stop().await;
}

/// A client that does not identify itself takes no place from those that do.
#[tokio::test]
async fn unidentified_clients_leave_room() {
    let limits = SocketLimits {
        sockets: 2,
        unidentified_of_address: 3,
        identify: Duration::from_mins(1),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let mut silent = vec![];
    for _ in 0..3 {
        silent.push(Client::greeted(&app).await);
    }
    let (key, limits) = (app.key.clone(), Some("crm.v1.json"));
    let mut first = Client::connect(&app, limits, Some(&key)).await;
    assert_eq!(first.frame().await["op"], "hello");
    // The oldest of them gives way once it had its time.
    let mut second = loop {
        if upgrade(&app, None).await == StatusCode::SWITCHING_PROTOCOLS {
            break Client::greeted(&app).await;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(silent.remove(0).close_code().await, 1013);
    second.say(&json!({ "op": "identify", "d": { "token": key } })).await;
    assert_eq!(second.frame().await["op"], "ready");
    assert_eq!(
        upgrade(&app, Some(&key)).await,
        StatusCode::SERVICE_UNAVAILABLE,
        "both places are taken"
    );
    app.stop().await;
}

/// Opens a WebSocket by hand; gives the status.
async fn upgrade(app: &App, key: Option<&str>) -> StatusCode {
    let request = app
        .bare(Method::GET, "/api/v1/ws")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let request = match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    };
    request.send().await.unwrap().status()
}

/// Even where such a key stands in the database.
#[tokio::test]
async fn empty_token_is_nobodys() {
    let app = App::start().await;
    for key in ["", "crm_", "password"] {
        crm::api::keys::adopt(&app.store, "admin", Scope::Admin, key)
            .await
            .unwrap();
        let mut client = Client::greeted(&app).await;
        client.say(&json!({ "op": "identify", "d": { "token": key } })).await;
        assert_eq!(client.close_code().await, 4004, "{key:?}");
        let answer = app
            .bare(Method::GET, "/api/v1/status")
            .bearer_auth(key)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{key:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn unknown_protocol_and_silence_are_closed() {
    let limits = SocketLimits {
        identify: Duration::from_millis(50),
        ..SocketLimits::default()
    };
    let app = App::with(limits).await;
    let mut silent = Client::greeted(&app).await;
    assert_eq!(silent.close_code().await, 4009);

    // tungstenite's client refuses an answer without its protocol, so this one is written by hand.
    let mut stream = tokio::net::TcpStream::connect(app.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let request = "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: crm.v2.json\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    let mut said = vec![];
    let code = 4012_u16.to_be_bytes();
    while !said.windows(2).any(|pair| pair == code) {
        assert_ne!(
            tokio::io::AsyncReadExt::read_buf(&mut stream, &mut said).await.unwrap(),
            0,
            "{said:?}"
        );
    }
    drop(stream);
    app.stop().await;
}
