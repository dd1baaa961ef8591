//! A client that hides nothing: each frame and each close code is seen.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::api::app::App;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Connects with these headers; `protocol` is offered where it is one.
    pub async fn connect(app: &App, protocol: Option<&str>, key: Option<&str>) -> Self {
        let address = format!("{}/api/v1/ws", app.url.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            let headers = request.headers_mut();
            headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        if let Some(key) = key {
            let headers = request.headers_mut();
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        let (stream, _) = connect_async(request).await.unwrap();
        Self { stream }
    }

    /// Connects and sees the hello.
    pub async fn greeted(app: &App) -> Self {
        let mut client = Self::connect(app, Some("crm.v1.json"), None).await;
        let hello = client.frame().await;
        assert_eq!(hello["op"], "hello");
        client
    }

    /// Connects and identifies; gives the `ready` too.
    pub async fn identified(app: &App, d: Value) -> (Self, Value) {
        let mut client = Self::greeted(app).await;
        let mut identify = json!({ "token": app.key });
        identify.as_object_mut().unwrap().extend(d.as_object().unwrap().clone());
        client.say(&json!({ "op": "identify", "d": identify })).await;
        let ready = client.frame().await;
        assert_eq!(ready["op"], "ready", "{ready}");
        (client, ready["d"].clone())
    }

    pub async fn say(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no frame, but {other:?}"),
        }
    }

    /// The code with which the server closes; frames before it are passed over.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.expect("a close says why").code.into();
            }
        }
    }

    /// Tells a command and gives its reply; events in between are passed over.
    pub async fn command(&mut self, op: &str, id: &Value, d: Value) -> Value {
        self.say(&json!({ "op": op, "id": id, "d": d })).await;
        self.reply(id).await
    }

    /// The reply to a command; events before it are passed over.
    pub async fn reply(&mut self, id: &Value) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["op"] == "reply" && frame["id"] == *id {
                return frame;
            }
        }
    }

    pub async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message
                .expect("something comes in time")
                .expect("the line is open")
                .unwrap();
            if !message.is_ping() && !message.is_pong() {
                return message;
            }
        }
    }
}
