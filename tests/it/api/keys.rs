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
            accounts: None,
            agent_id: None,
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

/// Names are printed on terminals.
#[tokio::test]
async fn key_name_has_no_control_characters() {
    let app = App::start().await;
    for name in ["a\u{1b}[31mb", "a\nb", "a\u{0}b", "a\u{202e}b", "a\u{9b}b"] {
        let answer = app
            .post("/api/v1/keys", &json!({ "name": name, "scope": "read" }))
            .await;
        assert_eq!(answer.status(), 422, "{name:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn location_of_new_key_leads_to_it() {
    let app = App::start().await;
    let created = app
        .post("/api/v1/keys", &json!({ "name": "shop \u{1f6d2}", "scope": "read" }))
        .await;
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = created.json().await.unwrap();
    let mut view = app.json(&location).await;
    assert_eq!(view["id"], created["id"]);
    assert_eq!(view["name"], "shop \u{1f6d2}");
    assert!(view.as_object_mut().unwrap().remove("key").is_none());
    assert_eq!(app.get("/api/v1/keys/99").await.status(), 404);
    let first = app.json("/api/v1/keys?limit=1").await;
    assert_eq!(
        (first["data"].as_array().unwrap().len(), &first["has_more"]),
        (1, &json!(true))
    );
    app.stop().await;
}

/// The use is written down, and no request waits for it.
#[tokio::test]
async fn use_of_key_is_noted_in_time() {
    let app = App::start().await;
    let within = std::time::Duration::from_secs(20);
    tokio::time::timeout(within, async {
        while app.json("/api/v1/keys").await["data"][0]["last_used_at"].is_null() {}
    })
    .await
    .unwrap();
    app.stop().await;
}

/// Only a session can be waited for.
#[tokio::test]
async fn needless_wait_hides_nothing_from_audit() {
    let app = App::start().await;
    for _ in 0..3 {
        let asked = app.request(Method::GET, "/api/v1/keys").header("Prefer", "wait=1");
        assert_eq!(asked.send().await.unwrap().status(), 200);
    }
    let log = app.json("/api/v1/audit?action=key.read").await;
    assert_eq!(log["data"].as_array().unwrap().len(), 3, "{log}");
    app.stop().await;
}

/// A client that waits in a loop is one line; whatever changes something is one each.
#[tokio::test]
async fn audit_lists_uses_and_waits_once() {
    let app = App::start().await;
    let session = app.get("/api/v1/accounts/default/session").await;
    let tag = session.headers()["etag"].to_str().unwrap().to_owned();
    for _ in 0..5 {
        let waited = app
            .request(Method::GET, "/api/v1/accounts/default/session")
            .header("If-None-Match", format!("\"other\", W/{tag}"))
            .header("Prefer", "wait=0")
            .send()
            .await
            .unwrap();
        assert_eq!(waited.status(), 304);
    }
    for _ in 0..2 {
        app.post("/api/v1/quarantine/replay", &json!({})).await;
    }
    let log = app.json("/api/v1/audit?limit=50").await;
    let count = |action: &str| {
        let rows = log["data"].as_array().unwrap().iter();
        rows.filter(|row| row["action"] == action).count()
    };
    assert_eq!(count("GET /api/v1/accounts/{name}/session"), 2, "{log}");
    assert_eq!(count("POST /api/v1/quarantine/replay"), 2);
    assert_eq!(log["data"][0]["action"], "GET /api/v1/audit", "the newest first");
    assert_eq!(log["data"][0]["subject"], "/api/v1/audit");
    let page = app.json("/api/v1/audit?limit=1").await;
    assert_eq!(page["has_more"], true);
    let pruned = app.store.audit().prune(Timestamp(NOW.0 + 1)).await.unwrap();
    assert!(pruned >= 5, "{pruned}");
    assert_eq!(app.json("/api/v1/audit").await["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}
