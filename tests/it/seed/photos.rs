//! Pictures of customers.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{pointer, post, told};
use crate::api::app::App;
use crate::rig::files::png;

async fn with_ada() -> App {
    let app = App::start().await;
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    app
}

fn photo(url: &str) -> Value {
    json!({ "phone": "447700900101@c.us", "photo_url": url })
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

/// Answers every request with these bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of a test, which ends with its runtime"
)]
async fn serve(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    address
}

fn answer(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn picture_in_data_url_is_stored_and_served() {
    let app = with_ada().await;
    let (status, customer) = post(&app, "/customers/photo", &photo(&data_url(&png()))).await;
    assert_eq!(status, 200, "{customer}");
    let url = customer["photo_url"].as_str().unwrap();
    assert!(url.starts_with("/api/v1/media/"), "{url}");
    assert_eq!(customer, app.json("/customers/summary").await[0]);
    assert_eq!(app.json("/api/v1/customers/1").await["photo_url"], url);
    let served = app.get(url).await;
    assert_eq!(served.headers()["content-type"], "image/png");
    assert_eq!(served.bytes().await.unwrap(), png());
    // The same picture again is no change.
    let (_, again) = post(&app, "/customers/photo", &photo(&data_url(&png()))).await;
    assert_eq!(again, customer);
    app.stop().await;
}

#[tokio::test]
async fn picture_behind_link_is_fetched() {
    let app = with_ada().await;
    let at = serve(answer("image/png", &png())).await;
    let to =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{at}/a.png\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let moved = serve(to.into_bytes()).await;
    let (status, customer) = post(&app, "/customers/photo", &photo(&format!("http://{moved}/a.png"))).await;
    assert_eq!(status, 200, "{customer}");
    let served = app.get(customer["photo_url"].as_str().unwrap()).await;
    assert_eq!(served.bytes().await.unwrap(), png());
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let app = with_ada().await;
    let page = serve(answer("text/html", b"<p>hello</p>")).await;
    let claimed = serve(answer("image/png", b"<svg onload=alert(1)/>")).await;
    let large = serve(answer("image/png", &vec![0; 600 << 10])).await;
    let round = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = round.local_addr().unwrap();
    drop(round);
    let around =
        serve(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()).await;
    let to_file =
        b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let to_file = serve(to_file.to_vec()).await;
    for url in [
        String::new(),
        "a.png".to_owned(),
        "data:image/png;base64,".to_owned(),
        "data:text/html;base64,AQID".to_owned(),
        data_url(b"<svg/>"),
        data_url(&vec![0; 600 << 10]),
        "file:///etc/passwd".to_owned(),
        format!("http://{page}/"),
        format!("http://{claimed}/"),
        format!("http://{large}/"),
        format!("http://{nobody}/"),
        format!("http://{around}/"),
        format!("http://{to_file}/"),
    ] {
        let (status, problem) = post(&app, "/customers/photo", &photo(&url)).await;
        assert_eq!((status, pointer(&problem)), (422, "/photo_url"), "{url:.60} {problem}");
    }
    let nobody = json!({ "phone": "447700900199", "photo_url": data_url(&png()) });
    assert_eq!(post(&app, "/customers/photo", &nobody).await.0, 404);
    let wrong = json!({ "phone": "Ada", "photo_url": data_url(&png()) });
    assert_eq!(pointer(&post(&app, "/customers/photo", &wrong).await.1), "/phone");
    assert_eq!(app.json("/customers/summary").await[0]["photo_url"], Value::Null);
    app.stop().await;
}
