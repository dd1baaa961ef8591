//! Memory of an open connection. The figures are of this process alone, so the test runs in one of its own.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::app::App;
use crate::rig::files::memory;

const SOCKETS: usize = 900;

/// Most bytes for an idle connection in a build that is not optimised: the kernel's are not counted, those of the test's
/// own end are.
const MOST: u64 = 26 * 1024;

/// Set in the process that measures.
const MEASURES: &str = "CRM_TEST_MEASURES_SOCKETS";

/// A client that takes next to no memory: a socket, and frames written by hand.
async fn identified(app: &App) -> TcpStream {
    let mut stream = app.connected().await;
    let request = "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let payload = json!({ "op": "identify", "d": { "token": app.key } }).to_string();
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    // A mask of zeros leaves the payload as it is.
    stream.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0]).await.unwrap();
    stream.write_all(payload.as_bytes()).await.unwrap();
    let mut said = Vec::with_capacity(1024);
    while !String::from_utf8_lossy(&said).contains("\"op\":\"ready\"") {
        assert_ne!(stream.read_buf(&mut said).await.unwrap(), 0, "{said:?}");
    }
    stream
}

#[tokio::test]
async fn idle_connection_takes_little_memory() {
    if std::env::var_os(MEASURES).is_none() {
        let measured = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "ws::memory::idle_connection_takes_little_memory",
                "--nocapture",
            ])
            .env(MEASURES, "1")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&measured.stdout);
        let failed = String::from_utf8_lossy(&measured.stderr);
        assert!(measured.status.success(), "{said}{failed}");
        println!("{said}");
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
