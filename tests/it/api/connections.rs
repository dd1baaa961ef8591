//! Bounds of a client without a key: it takes little, and not for long.

use std::time::Duration;

use crm::api::{ConnectionLimits, Server, SocketLimits};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::app::App;

const PATIENCE: Duration = Duration::from_secs(20);

async fn app(limits: ConnectionLimits) -> App {
    App::bounded(SocketLimits::default(), limits).await
}

/// Reads until the server closes.
async fn end_of(stream: &mut TcpStream) -> String {
    let mut said = vec![];
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said))
        .await
        .expect("it is closed");
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn half_sent_head_is_closed() {
    let app = app(ConnectionLimits {
        head_within: Duration::from_millis(300),
        ..ConnectionLimits::default()
    })
    .await;
    let mut silent = app.connected().await;
    let mut half = app.connected().await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        .await
        .unwrap();
    let mut idle = app.connected().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(end_of(&mut silent).await, "");
    assert!(!end_of(&mut half).await.contains("200 OK"));
    let answered = end_of(&mut idle).await;
    assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
    app.stop().await;
}

/// Also of a client with a key, and whatever reads the body.
#[tokio::test]
async fn half_sent_body_is_closed() {
    let app = app(ConnectionLimits {
        body_within: Duration::from_millis(300),
        ..ConnectionLimits::default()
    })
    .await;
    for path in ["/api/v1/messages", "/api/v1/media?filename=a"] {
        let mut half = app.connected().await;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
            app.key
        );
        half.write_all(request.as_bytes()).await.unwrap();
        let answered = end_of(&mut half).await;
        assert!(answered.starts_with("HTTP/1.1 4"), "{path}: {answered}");
    }
    app.stop().await;
}

#[tokio::test]
async fn overlong_head_is_refused() {
    let app = App::start().await;
    let long = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n",
        "x".repeat(60_000)
    );
    assert!(app.raw(long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let many = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X-A: x\r\n".repeat(200)
    );
    assert!(app.raw(many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    app.stop().await;
}

/// Those that are open are served on, and a place that is given back is used again.
#[tokio::test]
async fn connection_beyond_cap_gets_503() {
    let app = app(ConnectionLimits {
        connections: 3,
        ..ConnectionLimits::default()
    })
    .await;
    let status = app.json("/api/v1/status").await;
    assert_eq!(status["api"]["connections"], 1, "its own");
    assert_eq!(status["api"]["max_connections"], 3);
    assert!(status["api"]["max_open_files"].as_u64().unwrap() > 0);
    let mut others = vec![app.connected().await, app.connected().await];
    let mut refused = app.connected().await;
    let said = end_of(&mut refused).await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.contains("retry-after"),
        "{said}"
    );
    let metrics = app.get("/metrics").await.text().await.unwrap();
    for line in [
        "crm_connections 3\n",
        "crm_connections_max 3\n",
        "crm_connections_refused_total 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    assert!(metrics.contains("process_max_fds"));
    drop(others.pop());
    timeout(PATIENCE, async {
        let mut said = String::new();
        while !said.starts_with("HTTP/1.1 200") {
            said = app
                .raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .await;
        }
    })
    .await
    .unwrap();
    app.stop().await;
}

/// All at once, before any of them is accepted.
#[tokio::test]
async fn burst_of_connections_finds_room() {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.address().unwrap();
    let burst = join_all((0..300).map(|_| TcpStream::connect(address)));
    for stream in timeout(PATIENCE, burst).await.expect("none has to try again") {
        stream.unwrap();
    }
}
