//! Clients that hold a connection: half-sent requests, silent WebSockets, and streams that nobody reads.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{AGAIN, Tally, Target, connect};

/// Size of the receive buffer of a client that stops reading, in bytes.
const SMALL_BUFFER: u32 = 4096;
/// Longest time that a connection is kept before it is opened again.
const KEPT: Duration = Duration::from_secs(90);

/// A kind of stream that a client with a key may stop to read.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    Export,
    Backup,
    Medium,
    Events,
}

/// Every kind of stream.
pub const STREAMS: [Stream; 4] = [Stream::Export, Stream::Backup, Stream::Medium, Stream::Events];

/// Requests that end too early, each at another place. The bodies come with a key, as without one they are refused at
/// once.
fn beginnings(target: &Target) -> [String; 6] {
    let (host, key) = (target.address, &target.key);
    let post = format!("POST /api/v1/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n");
    [
        String::new(),
        "GE".to_owned(),
        "GET /healthz HTTP/1.1\r\n".to_owned(),
        format!("GET /api/v1/customers HTTP/1.1\r\nHost: {host}\r\nX-Half: "),
        format!("{post}Content-Length: 1000\r\n\r\n{{\"to\""),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nff\r\n{{"),
    ]
}

/// Sends the beginning of a request and waits, again and again as the server closes.
pub async fn half_sent(target: &Target, number: usize, tally: &Tally) {
    let beginnings = beginnings(target);
    loop {
        if let Some(mut stream) = connect(target, number as u64, None, tally).await {
            Tally::count(&tally.half_sent, 1);
            let beginning = &beginnings[number % beginnings.len()];
            if stream.write_all(beginning.as_bytes()).await.is_ok() {
                until_closed(&mut stream).await;
            }
        }
        sleep(AGAIN).await;
    }
}

/// Opens a WebSocket and says nothing, or not enough.
pub async fn silent_socket(target: &Target, number: usize, tally: &Tally) {
    let host = target.address;
    let upgrade = format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    loop {
        if let Some(mut stream) = connect(target, number as u64, None, tally).await
            && stream.write_all(upgrade.as_bytes()).await.is_ok()
        {
            let mut head = [0; 12];
            match timeout(KEPT, stream.read_exact(&mut head)).await {
                Ok(Ok(_)) if head.ends_with(b"101") => {
                    Tally::count(&tally.sockets, 1);
                    if number.is_multiple_of(3) {
                        // The head of a masked frame of 500 bytes, which do not come.
                        let _ = stream.write_all(b"\x81\xfe\x01\xf4mask{").await;
                    }
                    until_closed(&mut stream).await;
                }
                _ => Tally::count(&tally.refused, 1),
            }
        }
        sleep(AGAIN).await;
    }
}

/// Asks for a stream and does not read it.
pub async fn stalled(target: &Target, stream: Stream, number: usize, tally: &Tally) {
    loop {
        if let Some(socket) = connect(target, number as u64, Some(SMALL_BUFFER), tally).await {
            let path = match stream {
                Stream::Export => "/api/v1/export/messages",
                Stream::Backup => "/api/v1/backup",
                Stream::Medium => &target.medium,
                Stream::Events => {
                    stalled_events(target, socket, tally).await;
                    continue;
                }
            };
            stalled_answer(target, socket, path, tally).await;
        }
        sleep(AGAIN).await;
    }
}

async fn stalled_answer(target: &Target, mut socket: TcpStream, path: &str, tally: &Tally) {
    let (host, key) = (target.address, &target.key);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n");
    if socket.write_all(request.as_bytes()).await.is_err() {
        return;
    }
    let mut head = [0; 12];
    let Ok(Ok(_)) = timeout(KEPT, socket.read_exact(&mut head)).await else {
        return;
    };
    if head.ends_with(b"200") {
        Tally::count(&tally.stalled, 1);
        sleep(KEPT).await;
    } else {
        // One backup at a time: the others ask again, as a script in a loop would.
        until_closed(&mut socket).await;
    }
}

/// Identifies itself, asks for everything from the beginning, and reads nothing of it.
async fn stalled_events(target: &Target, socket: TcpStream, tally: &Tally) {
    let opened = async {
        let request = format!("ws://{}/api/v1/ws", target.address).into_client_request()?;
        let (mut events, _) = client_async(request, socket).await?;
        events.next().await;
        let identify = json!({"op": "identify", "d": {"token": target.key, "resume_from": 0}});
        events.send(Message::text(identify.to_string())).await?;
        anyhow::Ok(events)
    };
    if let Ok(Ok(_events)) = timeout(KEPT, opened).await {
        Tally::count(&tally.stalled, 1);
        sleep(KEPT).await;
    }
    sleep(AGAIN).await;
}

/// Reads until the server closes, or as long as a connection is kept.
async fn until_closed(stream: &mut TcpStream) {
    let mut scratch = [0; 512];
    let read = async { while stream.read(&mut scratch).await.is_ok_and(|count| count > 0) {} };
    let _ = timeout(KEPT, read).await;
}
