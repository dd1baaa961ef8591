//! A page as the service sees it, without a browser.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testbed::standin::{Customer, DeviceId, Phone, StandIn};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub const SECRET: [u8; 32] = [7; 32];
const PATIENCE: Duration = Duration::from_secs(5);

/// A page as the service sees it.
pub struct Page {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Page {
    pub async fn open(standin: &StandIn, path: &str) -> Self {
        let url = standin.url().replace("http", "ws") + path;
        let (socket, _) = connect_async(url).await.expect("the service takes the connection");
        Self { socket }
    }

    pub async fn say(&mut self, frame: Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .expect("the socket is open");
    }

    /// The next frame; `None` when the service has closed.
    pub async fn next(&mut self) -> Option<Value> {
        let message = tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("a frame comes");
        match message {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("frames are JSON")),
            _ => None,
        }
    }

    pub async fn until(&mut self, op: &str) -> Value {
        loop {
            let frame = self.next().await.expect("the service does not close");
            if frame["op"] == op {
                return frame;
            }
        }
    }

    /// Links, and gives the credential.
    pub async fn link(standin: &StandIn) -> Value {
        Self::link_to(standin, &standin.phone()).await
    }

    /// Links to any of our phones.
    pub async fn link_to(standin: &StandIn, phone: &Phone) -> Value {
        let mut page = Self::open(standin, "ws/chat").await;
        let code = page.begin().await;
        // The phone waits for the page to have its credential, and the page for the phone.
        let paired = async {
            let success = page.until("pair_success").await;
            page.say(json!({ "op": "pair_done", "n": 1 })).await;
            page.until("answer").await;
            success["credential"].clone()
        };
        let (scanned, credential) = tokio::join!(phone.scan(&code), paired);
        scanned.expect("the phone links the page");
        credential
    }

    /// Shows itself to the service, and gives what the QR code says.
    pub async fn begin(&mut self) -> String {
        let digest = STANDARD.encode(Sha256::digest(SECRET));
        self.say(json!({ "op": "pair", "noise": "bm8=", "identity": "aWQ=", "adv_digest": digest }))
            .await;
        let refs = self.until("refs").await;
        format!(
            "{},bm8=,aWQ=,{}",
            refs["refs"][0].as_str().expect("a reference"),
            STANDARD.encode(SECRET)
        )
    }

    pub async fn log_in(standin: &StandIn, credential: &Value) -> Self {
        let mut page = Self::open(standin, "ws/chat").await;
        page.say(json!({ "op": "hello", "device": credential["device"], "secret": credential["secret"] }))
            .await;
        page
    }

    pub async fn ready(standin: &StandIn) -> (Self, Value) {
        let credential = Self::link(standin).await;
        let mut page = Self::log_in(standin, &credential).await;
        page.until("offline_end").await;
        (page, credential)
    }

    /// The next message of a type, such as `chat`.
    pub async fn message(&mut self, wanted: &str) -> Value {
        loop {
            let stanza = self.until("stanza").await["stanza"].clone();
            if stanza["type"] == "message" && stanza["body"]["type"].as_str().unwrap_or("chat") == wanted {
                return stanza;
            }
        }
    }

    pub async fn send(&mut self, to: &Customer, id: &str, text: &str) {
        self.say(json!({ "op": "message", "kind": "text", "to": to.chat(), "id": id, "text": text }))
            .await;
    }
}

pub fn device(credential: &Value) -> DeviceId {
    serde_json::from_value(credential["device"].clone()).expect("a device")
}
