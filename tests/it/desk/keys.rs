//! Keys that are bound, act as agents, expire and follow one another.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;

impl App {
    async fn as_key(&self, method: Method, path: &str, key: &str) -> u16 {
        let answer = self.bare(method, path).bearer_auth(key).send().await.unwrap();
        answer.status().as_u16()
    }

    /// A key that was asked for through the API.
    async fn made(&self, wanted: Value) -> Value {
        let answer = self.post("/api/v1/keys", &wanted).await;
        assert_eq!(answer.status(), 201, "{wanted}");
        answer.json().await.unwrap()
    }

    async fn send_as(&self, key: &str, idempotency_key: &str) -> Response {
        self.bare(Method::POST, "/api/v1/messages")
            .bearer_auth(key)
            .header("Idempotency-Key", idempotency_key)
            .json(&json!({ "to": "+447700900123", "content": "once" }))
            .send()
            .await
            .unwrap()
    }
}

fn secret(made: &Value) -> &str {
    made["key"].as_str().unwrap()
}

#[tokio::test]
async fn key_of_agent_has_lesser_right_and_their_name() {
    let app = App::start().await;
    app.post("/api/v1/agents", &json!({ "name": "Ada" })).await;
    let made = app
        .made(json!({ "name": "ada's laptop", "scope": "admin", "agent_id": 1 }))
        .await;
    assert_eq!(made["agent_id"], 1);
    let key = secret(&made);
    assert_eq!(app.as_key(Method::GET, "/api/v1/customers", key).await, 200);
    assert_eq!(app.as_key(Method::GET, "/api/v1/quarantine", key).await, 403);
    let sent: Value = app.send_as(key, "a").await.json().await.unwrap();
    assert_eq!(sent["author"]["name"], "Ada");

    // What the agent may do counts at once, also for keys in memory.
    app.request(Method::PATCH, "/api/v1/agents/1")
        .json(&json!({ "role": "manager" }))
        .send()
        .await
        .unwrap();
    assert_eq!(app.as_key(Method::GET, "/api/v1/quarantine", key).await, 200);
    assert_eq!(app.as_key(Method::GET, "/api/v1/keys", key).await, 403);
    let reading = app
        .made(json!({ "name": "reader", "scope": "read", "agent_id": 1 }))
        .await;
    assert_eq!(
        app.as_key(Method::GET, "/api/v1/quarantine", secret(&reading)).await,
        403
    );
    let audit = app.json("/api/v1/audit").await;
    let named = audit["data"].as_array().unwrap().iter();
    assert!(
        named
            .clone()
            .any(|row| row["actor"].as_str().unwrap().starts_with("agent 1 (Ada), key ")),
        "{audit}"
    );
    for (bad, pointer) in [
        (json!({ "name": "x", "scope": "read", "agent_id": 9 }), "/agent_id"),
        (
            json!({ "name": "x", "scope": "read", "accounts": ["nowhere"] }),
            "/accounts/0",
        ),
        (
            json!({ "name": "x", "scope": "read", "expires_at": "2020-01-01T00:00:00Z" }),
            "/expires_at",
        ),
    ] {
        let answer = app.post("/api/v1/keys", &bad).await;
        assert_eq!(answer.status(), 422, "{bad}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    app.stop().await;
}

#[tokio::test]
async fn deactivated_agents_key_is_refused_at_once() {
    let app = App::start().await;
    app.post("/api/v1/agents", &json!({ "name": "Ada" })).await;
    let made = app.made(json!({ "name": "ada", "scope": "send", "agent_id": 1 })).await;
    let stream = app
        .bare(Method::GET, "/api/v1/events")
        .bearer_auth(secret(&made))
        .send()
        .await
        .unwrap();
    for active in [false, true, false] {
        app.request(Method::PATCH, "/api/v1/agents/1")
            .json(&json!({ "active": active }))
            .send()
            .await
            .unwrap();
        let status = app.as_key(Method::GET, "/api/v1/customers", secret(&made)).await;
        assert_eq!(status, if active { 200 } else { 401 });
    }
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), stream.bytes()).await;
    assert!(ended.is_ok(), "the stream ends");
    let refused = app
        .post("/api/v1/keys", &json!({ "name": "x", "scope": "read", "agent_id": 1 }))
        .await;
    assert_eq!(refused.status(), 422);
    app.stop().await;
}

/// The owner of a request stays the same over a rotation, and over an agent's keys.
#[tokio::test]
async fn successor_of_key_does_not_send_again() {
    let app = App::start().await;
    let old = app
        .made(json!({ "name": "shop", "scope": "send", "accounts": ["default"] }))
        .await;
    let first: Value = app.send_as(secret(&old), "order-7").await.json().await.unwrap();
    let path = format!("/api/v1/keys/{}/rotate", old["id"]);
    let rotated = app.post(&path, &json!({ "overlap_seconds": 0 })).await;
    assert_eq!(rotated.status(), 201);
    let new: Value = rotated.json().await.unwrap();
    assert_eq!(
        (&new["name"], &new["scopes"], &new["accounts"], &new["expires_at"]),
        (&old["name"], &old["scopes"], &old["accounts"], &Value::Null)
    );
    assert_eq!(
        app.as_key(Method::GET, "/api/v1/customers", secret(&old)).await,
        401,
        "no overlap"
    );
    let again = app.send_as(secret(&new), "order-7").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap()["id"], first["id"]);

    let old_now = app.json(&format!("/api/v1/keys/{}", old["id"])).await;
    assert_eq!(old_now["rotated_to"], new["id"]);
    assert_eq!(app.post(&path, &json!({})).await.status(), 409, "it has a successor");
    let path = format!("/api/v1/keys/{}/rotate", new["id"]);
    let third = app.post(&path, &json!({})).await;
    assert_eq!(third.status(), 201);
    let third: Value = third.json().await.unwrap();
    for key in [&new, &third] {
        let again = app.send_as(secret(key), "order-7").await.json::<Value>().await.unwrap();
        assert_eq!(again["id"], first["id"], "both work, and are one owner");
    }
    let path = format!("/api/v1/keys/{}/rotate", third["id"]);
    let too_long = app.post(&path, &json!({ "overlap_seconds": 999_999_999 })).await;
    assert_eq!(too_long.status(), 422);
    assert_eq!(app.post("/api/v1/keys/99/rotate", &json!({})).await.status(), 404);

    app.post("/api/v1/agents", &json!({ "name": "Ada" })).await;
    let mut ids = vec![];
    for name in ["phone", "laptop"] {
        let key = app.made(json!({ "name": name, "scope": "send", "agent_id": 1 })).await;
        ids.push(
            app.send_as(secret(&key), "order-7")
                .await
                .json::<Value>()
                .await
                .unwrap()["id"]
                .clone(),
        );
    }
    assert_eq!(ids[0], ids[1], "an agent is one owner");
    assert_ne!(ids[0], first["id"]);
    app.stop().await;
}

#[tokio::test]
async fn answer_with_secret_is_not_repeated() {
    let app = App::start().await;
    let ask = |path: &'static str, body: Value| {
        let request = app.request(Method::POST, path).header("Idempotency-Key", "k1");
        request.json(&body).send()
    };
    let wanted = json!({ "name": "shop", "scope": "send" });
    let made: Value = ask("/api/v1/keys", wanted.clone()).await.unwrap().json().await.unwrap();
    let again = ask("/api/v1/keys", wanted).await.unwrap();
    assert_eq!(again.status(), 409);
    let problem: Value = again.json().await.unwrap();
    assert_eq!(problem["id"], made["id"], "{problem}");
    let other = ask("/api/v1/keys", json!({ "name": "other", "scope": "send" }))
        .await
        .unwrap();
    assert_eq!(other.status(), 422);
    let keys = app.json("/api/v1/keys").await["data"].as_array().unwrap().len();
    assert_eq!(keys, 2, "that of the test and the new one");

    let accounts = |body: Value| {
        let request = app
            .request(Method::POST, "/api/v1/accounts")
            .header("Idempotency-Key", "a1");
        request.json(&body).send()
    };
    let first = accounts(json!({ "name": "sales" })).await.unwrap();
    assert_eq!(first.status(), 201);
    let again = accounts(json!({ "name": "sales" })).await.unwrap();
    assert_eq!(again.status(), 201, "not a conflict");
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["location"], first.headers()["location"]);
    app.stop().await;
}
