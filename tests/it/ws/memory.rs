//! Memory of an open connection. The figures are of this process alone, so the test runs in one of its own.

use std::process::Stdio;
use std::time::Duration;

use crm::api::SocketLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::app::App;
use crate::rig::files::memory;

const SOCKETS: usize = 900;

/// Most bytes for an idle connection in a build that is not optimised: the kernel's are not counted, those of the test's
/// own end are.
const MOST: u64 = 26 * 1024;

/// Set in the process that measures.
const MEASURES: &str = "CRM_TEST_MEASURES_SOCKETS";

/// A client that takes next to no memory: a socket, and frames written by hand. It has read the server's first words.
async fn connected(app: &App) -> TcpStream {
    let mut stream = app.connected().await;
    let request = "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut stream, "\"op\":\"hello\"").await;
    stream
}

async fn read_until(stream: &mut TcpStream, words: &str) {
    let mut said = Vec::with_capacity(1024);
    while !String::from_utf8_lossy(&said).contains(words) {
        assert_ne!(stream.read_buf(&mut said).await.unwrap(), 0, "{said:?}");
    }
}

async fn opened(app: &App, count: usize) -> Vec<TcpStream> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        sockets.push(connected(app).await);
    }
    sockets
}

/// One that has identified itself.
async fn identified(app: &App) -> TcpStream {
    let mut stream = connected(app).await;
    let payload = json!({ "op": "identify", "d": { "token": app.key } }).to_string();
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    // A mask of zeros leaves the payload as it is.
    stream.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0]).await.unwrap();
    stream.write_all(payload.as_bytes()).await.unwrap();
    read_until(&mut stream, "\"op\":\"ready\"").await;
    stream
}

/// Runs a test once more in a process of its own, which measures. Returns whether this is that process.
async fn is_measuring(test: &str) -> bool {
    if std::env::var_os(MEASURES).is_some() {
        return true;
    }
    let measured = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("ws::memory::{test}"), "--nocapture"])
        .env(MEASURES, "1")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&measured.stdout);
    let failed = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{said}{failed}");
    println!("{said}");
    false
}

#[tokio::test]
async fn idle_connection_takes_little_memory() {
    if !is_measuring("idle_connection_takes_little_memory").await {
        return;
    }
    crm::api::raise_open_files();
    let app = App::start().await;
    // What the first ones take is taken once.
    let mut sockets = vec![identified(&app).await];
    for _ in 0..50 {
        sockets.push(identified(&app).await);
    }
    let (before, _) = memory(std::process::id());
    for _ in 0..SOCKETS {
        sockets.push(identified(&app).await);
    }
    let (after, _) = memory(std::process::id());
    let each = after.saturating_sub(before) / SOCKETS as u64;
    println!("{each} bytes for each of {SOCKETS} connections");
    assert!(each < MOST, "{each} bytes");
    drop(sockets);
    app.stop().await;
}

/// Anybody can open these, without a key.
#[tokio::test]
async fn unidentified_connections_give_memory_back() {
    if !is_measuring("unidentified_connections_give_memory_back").await {
        return;
    }
    crm::api::raise_open_files();
    let app = App::with(SocketLimits {
        identify: Duration::from_mins(10),
        unidentified_of_address: 2 * SOCKETS,
        ..SocketLimits::default()
    })
    .await;
    let me = std::process::id();
    // What the first ones take is taken once.
    let mut sockets = opened(&app, 50).await;
    let (before, _) = memory(me);
    let mut peaks = vec![];
    for _ in 0..4 {
        sockets.extend(opened(&app, SOCKETS).await);
        peaks.push(memory(me).0);
        sockets.clear();
        let gone = async { while app.json("/api/v1/status").await["api"]["connections"] != 1 {} };
        timeout(Duration::from_secs(20), gone).await.expect("all are closed");
    }
    println!("{before} bytes before, then {peaks:?} for {SOCKETS} connections");
    let each = peaks[0].saturating_sub(before) / SOCKETS as u64;
    assert!(each < MOST, "{each} bytes for each");
    // The allocator keeps what they had, and it is there for those who come next.
    let grown = peaks[3].saturating_sub(peaks[1]) / SOCKETS as u64;
    assert!(grown < MOST / 10, "{grown} bytes more for each that has left");
    app.stop().await;
}
