//! Ends what is open with its key: downloads break off, and requests that wait are answered.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::exports::work;
use super::posted;
use crate::api::app::App;

/// Messages of these tests, and bytes of each: together more than the sockets of both sides take.
const MESSAGES: usize = 400;
const BYTES: usize = 60_000;
/// Long before anything else would end a request.
const AT_ONCE: Duration = Duration::from_secs(15);

/// A key with everything, and what revokes it.
async fn key(app: &App, more: Value) -> (String, String) {
    let mut wanted = json!({ "name": "short", "scope": "admin" });
    wanted
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = posted(app, "/api/v1/keys", &wanted).await;
    let key = made["key"].as_str().unwrap().to_owned();
    (key, format!("/api/v1/keys/{}/revoke", made["id"]))
}

async fn filled() -> App {
    let app = App::start().await;
    for _ in 0..MESSAGES {
        app.inbound("Ada", "+447700900123", &"x".repeat(BYTES)).await;
    }
    posted(&app, "/api/v1/exports", &json!({ "what": "messages" })).await;
    work(&app).await;
    app
}

/// A list as its rows come, a file of the vault, and a backup.
#[tokio::test]
async fn revoked_key_breaks_off_downloads() {
    let app = filled().await;
    for path in [
        "/api/v1/export/messages",
        "/api/v1/exports/1/content",
        "/api/v1/backup",
        "/messages/1",
    ] {
        let whole = app.get(path).await.bytes().await.unwrap().len();
        assert!(whole > MESSAGES * BYTES, "{path}: {whole}");
        let (key, revoke) = key(&app, json!({})).await;
        let answer = app.bare(Method::GET, path).bearer_auth(&key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        posted(&app, &revoke, &json!({})).await;
        let rest = timeout(AT_ONCE, answer.bytes()).await.expect("it ends");
        assert!(
            rest.is_err(),
            "{path} is no whole file: {:?}",
            rest.map(|bytes| bytes.len())
        );
    }
    app.stop().await;
}

/// A look at a key needs a connection to the database, which nobody may hold who does not read on.
#[tokio::test]
async fn stalled_downloads_leave_readers_to_others() {
    const STALLED: usize = 12;
    let app = filled().await;
    let mut stalled = vec![];
    for _ in 0..STALLED {
        stalled.push(app.get("/api/v1/export/messages").await);
    }
    for _ in 0..3 {
        // Whoever reads while a key is revoked is looked at.
        let (_, revoke) = key(&app, json!({})).await;
        posted(&app, &revoke, &json!({})).await;
        for download in &mut stalled {
            for _ in 0..4 {
                download.chunk().await.unwrap().expect("more");
            }
        }
    }
    let other = timeout(AT_ONCE, app.get("/api/v1/customers")).await.expect("an answer");
    assert_eq!(other.status(), StatusCode::OK);
    drop(stalled);
    app.stop().await;
}

/// Waits for a change of the session that does not come; returns the status of the answer.
async fn waited(app: &App, key: &str) -> StatusCode {
    let path = "/api/v1/accounts/default/session";
    let tag = app.get(path).await.headers()["etag"].clone();
    let waits = app.bare(Method::GET, path).bearer_auth(key);
    let waits = waits.header("If-None-Match", tag).header("Prefer", "wait=30");
    timeout(AT_ONCE, waits.send()).await.expect("it ends").unwrap().status()
}

/// The QR codes of an account link a phone: nobody gets them who has lost the right.
#[tokio::test]
async fn revoked_key_ends_wait_for_session() {
    let app = App::start().await;
    let (key, revoke) = key(&app, json!({})).await;
    let (status, ()) = tokio::join!(waited(&app, &key), async {
        // The use of the key is noted once it is let in.
        let noted = "/api/v1/audit?action=account.link&actor=short";
        while app.json(noted).await["data"].as_array().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        posted(&app, &revoke, &json!({})).await;
    });
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    app.stop().await;
}

#[tokio::test]
async fn expired_key_ends_wait_for_session() {
    let app = App::start().await;
    let end = App::now().plus(Duration::from_millis(500));
    let (key, _) = key(&app, json!({ "expires_at": end })).await;
    assert_eq!(waited(&app, &key).await, StatusCode::UNAUTHORIZED);
    app.stop().await;
}
