//! The superseded page in a real Chromium, behind a proxy that serves page and API under one name and adds the key: a
//! page's `EventSource` and `<img>` cannot.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use testbed::servers::{Folder, Launch, chromium};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::told;
use crate::api::app::App;
use crate::rig::files::png;

/// How long the page may take for each of its reports.
const PATIENCE: Duration = Duration::from_mins(1);
/// Largest body that passes through the proxy, in bytes.
const MAX_BODY: usize = 1 << 20;

/// A proxy that adds the key to what is not the page itself.
struct Proxy {
    to: String,
    key: String,
    http: Client,
    reports: mpsc::UnboundedSender<Value>,
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let url = format!("{}{}", proxy.to, parts.uri);
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap();
    let mut passed = proxy.http.request(parts.method, url).bearer_auth(&proxy.key).body(body);
    for (name, value) in &parts.headers {
        if !["host", "connection", "content-length", "authorization"].contains(&name.as_str()) {
            passed = passed.header(name, value);
        }
    }
    let answer = passed.send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for (name, value) in answer.headers() {
        if !["connection", "transfer-encoding", "content-length"].contains(&name.as_str()) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}

async fn report(State(proxy): State<Arc<Proxy>>, body: Bytes) -> Response {
    let _ = proxy.reports.send(serde_json::from_slice(&body).unwrap());
    ().into_response()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the proxy outlives no test: its task is aborted with the runtime"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn superseded_page_works_behind_proxy_in_chromium() {
    if testbed::quick() {
        return;
    }
    let app = App::start().await;
    let customer = app.inbound("Ada", "+447700900101", "hello").await.customer_id.unwrap();
    let picture = format!("data:image/png;base64,{}", STANDARD.encode(png()));
    let photo = json!({ "phone": "+447700900101", "photo_url": picture });
    assert_eq!(app.post("/customers/photo", &photo).await.status(), 200);

    let (reports, mut told_by_page) = mpsc::unbounded_channel();
    let proxy = Proxy {
        to: app.url.clone(),
        key: app.key.clone(),
        http: app.http.clone(),
        reports,
    };
    let router = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/report", post(report))
        .fallback(pass)
        .with_state(Arc::new(proxy));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxying = tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = Folder::new("page").unwrap();
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let page = format!("http://{address}/");
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        &profile,
        &page,
    ];
    let browser = Launch::new("chromium", chromium().unwrap(), folder.path()).arguments(arguments);
    let browser = browser.start().unwrap();
    let mut next = async || {
        let report = tokio::time::timeout(PATIENCE, told_by_page.recv()).await;
        report
            .unwrap_or_else(|_| panic!("the page is silent: {}", browser.last_words()))
            .unwrap()
    };

    let first = next().await;
    assert_eq!(first["error"], Value::Null, "{first}");
    assert_eq!(
        (&first["customer"]["name"], &first["width"]),
        (&"Ada".into(), &40.into())
    );
    assert_eq!(first["sent"]["content"], "hi, Ada");
    assert_eq!(first["history"], app.json(&format!("/messages/{customer}")).await);
    app.post("/messages/inbox", &told("447700900102", "Bob", "hello", "B1"))
        .await;
    let then = next().await;
    assert_eq!(then["events"], json!(["new_customer", "inbound_message"]), "{then}");
    assert_eq!(then["event"]["message"]["content"], "hello");
    drop(browser);
    proxying.abort();
    app.stop().await;
}
