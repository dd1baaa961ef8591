//! An integrator's program on the WebSocket.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::PATIENCE;

/// A connection that has identified itself.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The last event's number.
    pub last: i64,
    sent: u32,
    /// What came before a reply that was waited for.
    passed: VecDeque<Value>,
}

impl Socket {
    /// Connects and follows, from `resume_from` where one is given.
    pub async fn follow(url: &str, key: &str, resume_from: Option<i64>) -> Self {
        let address = format!("{}/api/v1/ws", url.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "crm.v1.json".parse().unwrap());
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = Self {
            stream,
            last: resume_from.unwrap_or(0),
            sent: 0,
            passed: VecDeque::new(),
        };
        assert_eq!(socket.frame().await["op"], "hello");
        let mut identify = json!({"token": key});
        if let Some(seq) = resume_from {
            identify["resume_from"] = json!(seq);
        }
        socket.say(json!({"op": "identify", "d": identify})).await;
        let ready = socket.frame().await;
        assert_eq!(ready["op"], "ready", "{ready}");
        socket
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next())
                .await
                .expect("a frame comes in time")
                .expect("the socket is open")
                .unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next event for which `wanted` holds. Numbers have to rise. Other events do not make it wait any longer.
    pub async fn event(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let wanted = tokio::time::timeout(PATIENCE, self.next_event(wanted));
        wanted.await.expect("the event comes in time")
    }

    async fn next_event(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = match self.passed.pop_front() {
                Some(frame) => frame,
                None => self.frame().await,
            };
            if frame["op"] != "event" {
                continue;
            }
            let seq = frame["s"].as_i64().expect("an event has a number");
            assert!(seq > self.last, "event {seq} came after {}", self.last);
            self.last = seq;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Sends a text by command; gives the reply.
    pub async fn send(&mut self, data: Value) -> Value {
        self.command("send", data).await
    }

    /// Gives a command, and gives its reply. Events before the reply are kept for [`Self::event`].
    pub async fn command(&mut self, op: &str, data: Value) -> Value {
        self.sent += 1;
        let id = format!("c{}", self.sent);
        self.say(json!({"op": op, "id": id, "d": data})).await;
        loop {
            let frame = self.frame().await;
            if frame["op"] == "reply" && frame["id"] == id.as_str() {
                return frame;
            }
            self.passed.push_back(frame);
        }
    }

    async fn say(&mut self, frame: Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }
}
