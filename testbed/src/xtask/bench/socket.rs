//! WebSocket client of an integrator, written from the documentation of the API.

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::PATIENCE;
use crate::xtask::server::Server;

/// A connection that receives every event from now on.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects and identifies with the key of the server's administrator.
    pub async fn connect(server: &Server) -> Result<Self> {
        let key = server.key()?;
        let mut request = format!("{}/api/v1/ws", server.url().replacen("http", "ws", 1)).into_client_request()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "crm.v1.json".parse()?);
        let (stream, _) = connect_async(request).await?;
        let mut socket = Self(stream);
        socket.until_op("hello").await?;
        let identify = json!({"op": "identify", "d": {"token": key}});
        socket.0.send(Message::text(identify.to_string())).await?;
        socket.until_op("ready").await?;
        Ok(socket)
    }

    /// Waits for a customer's message whose content matches, and returns the content.
    pub async fn until_received(&mut self, matches: impl Fn(&str) -> bool) -> Result<String> {
        loop {
            let frame = self.until_op("event").await?;
            let content = &frame["d"]["message"]["content"];
            let content = content
                .as_str()
                .or_else(|| frame["d"]["content"].as_str())
                .unwrap_or_default();
            if frame["t"] == "message.received" && matches(content) {
                return Ok(content.to_owned());
            }
        }
    }

    /// Waits for an event whose text contains the mark, and returns the number that follows it. Parses nothing else: a thousand
    /// clients share one process.
    pub async fn until_marked(&mut self, mark: &str) -> Result<usize> {
        loop {
            let message = self.0.next().await.context("the server closed the WebSocket")??;
            let Message::Text(text) = message else { continue };
            if let Some((_, rest)) = text.split_once(mark)
                && let Some((number, _)) = rest.split_once(';')
            {
                return Ok(number.parse()?);
            }
        }
    }

    async fn until_op(&mut self, op: &str) -> Result<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .context("nothing on the WebSocket")?;
            match message.context("the server closed the WebSocket")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    if frame["op"] == op {
                        return Ok(frame);
                    }
                }
                Message::Close(close) => bail!("the server closed the WebSocket: {close:?}"),
                _ => {}
            }
        }
    }
}
