//! Keys: told once, kept as hashes, and good until they end.

use crm::api::keys::make;
use crm::contract::{CreateKey, Scope};
use crm::domain::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::app::{App, NOW};

#[tokio::test]
async fn key_is_shown_once_and_never_stored() {
    let app = App::start().await;
    let answer = app
        .post("/api/v1/keys", &json!({ "name": "shop", "scope": "send" }))
        .await;
    assert_eq!(answer.status(), 201);
    let created: Value = answer.json().await.unwrap();
    let key = created["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("crm_") && key.len() == 47, "256 bits: {key}");
    assert_eq!(created["scopes"], json!(["send"]));

    let listed = app.json("/api/v1/keys").await;
    let shop = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "shop")
        .unwrap();
    assert_eq!(shop["prefix"], key[..10]);
    assert!(!listed.to_string().contains(&key));
    for file in std::fs::read_dir(app.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()));
    }

    let status = app.bare(Method::GET, "/api/v1/status").bearer_auth(&key);
    assert_eq!(status.send().await.unwrap().status(), 200);
    let revoked = app
        .post(&format!("/api/v1/keys/{}/revoke", created["id"]), &json!({}))
        .await;
    assert!(revoked.json::<Value>().await.unwrap()["revoked_at"].is_string());
    let status = app.bare(Method::GET, "/api/v1/status").bearer_auth(&key);
    assert_eq!(status.send().await.unwrap().status(), 401);
    assert_eq!(app.post("/api/v1/keys/99/revoke", &json!({})).await.status(), 404);
    assert_eq!(
        app.post("/api/v1/keys", &json!({ "name": " ", "scope": "send" }))
            .await
            .status(),
        422
    );
    app.stop().await;
}

#[tokio::test]
async fn key_ends_at_its_expiry() {
    let app = App::start().await;
    for (expires_at, status) in [(Timestamp(NOW.0 + 1), 200), (NOW, 401)] {
        let wanted = CreateKey {
            name: "short".to_owned(),
            scope: Scope::Read,
            expires_at: Some(expires_at),
        };
        let key = make(&app.store, wanted).await.unwrap().key;
        let answer = app
            .bare(Method::GET, "/api/v1/status")
            .bearer_auth(&key)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
    app.stop().await;
}
