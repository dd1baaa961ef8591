//! Limits by key, and the audit log.

use crm::api::AccessRules;
use crm::contract::Scope;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;
use crate::ws::client::Client;

async fn get(app: &App, key: &str) -> Response {
    app.bare(Method::GET, "/api/v1/status")
        .bearer_auth(key)
        .send()
        .await
        .unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn key_over_its_quota_is_told_when_to_return() {
    let app = App::ruled(AccessRules {
        requests_per_minute: 20,
        writes_per_minute: 3,
        ..AccessRules::default()
    })
    .await;
    let (key, other) = (app.key_of(Scope::Send).await, app.key_of(Scope::Read).await);
    let first = get(&app, &key).await;
    assert_eq!(header(&first, "ratelimit-policy"), "\"requests\";q=20;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"requests\";r=19;t=3");

    let mut client = Client::connect(&app, Some("crm.v1.json"), Some(&key)).await;
    for op in ["hello", "ready"] {
        assert_eq!(client.frame().await["op"], op);
    }
    let reply = client
        .command("mark_read", &json!(1), json!({ "conversation_id": 1 }))
        .await;
    assert_eq!(reply["status"], 404, "a command is a write");
    let send = async || {
        let sent = app.bare(Method::POST, "/api/v1/messages").bearer_auth(&key);
        sent.json(&json!({ "to": "+447700900123", "content": "x" }))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(send().await.status(), 202);
    let last = send().await;
    assert_eq!(last.status(), 202);
    assert!(
        header(&last, "ratelimit").contains("\"writes\";r=0;t=60"),
        "{:?}",
        last.headers()
    );
    let refused = send().await;
    assert_eq!(refused.status(), 429);
    let after: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=20).contains(&after), "{after}");
    assert!(header(&refused, "ratelimit").contains("\"writes\";r=0"));
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "rate_limited");
    let reply = client
        .command("mark_read", &json!(2), json!({ "conversation_id": 1 }))
        .await;
    assert_eq!(reply["status"], 429, "{reply}");
    assert_eq!(get(&app, &key).await.status(), 200, "reading goes on");
    while get(&app, &key).await.status() == 200 {}
    assert_eq!(get(&app, &other).await.status(), 200, "for others as well");
    app.stop().await;
}

#[tokio::test]
async fn audit_is_filtered_by_actor_action_and_time() {
    let app = App::start().await;
    app.post("/api/v1/agents", &json!({ "name": "Ada", "role": "manager" }))
        .await;
    let wanted = json!({ "name": "ada", "scope": "admin", "agent_id": 1 });
    let made: Value = app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
    let key = made["key"].as_str().unwrap();
    app.bare(Method::GET, "/api/v1/quarantine")
        .bearer_auth(key)
        .send()
        .await
        .unwrap();
    let actions = async |query: &str| {
        let log = app.json(&format!("/api/v1/audit?{query}")).await;
        let rows = log["data"].as_array().unwrap().iter();
        rows.map(|row| row["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(actions("actor=Ada").await, ["GET /api/v1/quarantine"]);
    assert_eq!(actions("action=key.create").await, ["POST /api/v1/keys"]);
    assert_eq!(
        actions("action=POST&order=asc").await,
        ["POST /api/v1/agents", "POST /api/v1/keys"]
    );
    assert!(actions("until=2020-01-01T00:00:00Z").await.is_empty());
    assert!(actions("from=2020-01-01T00:00:00Z&action=agent.create").await.len() == 1);
    assert!(actions("actor=100%25").await.is_empty(), "no pattern");
    assert_eq!(app.get("/api/v1/audit?who=Ada").await.status(), 400);
    app.stop().await;
}
