//! Commands: the same requests as REST, with the same answers.

use crm::contract::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use crate::api::app::App;

const TO: &str = "+447700900123";

/// rule 25.
#[tokio::test]
async fn socket_send_shares_idempotency_with_rest() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    let d = json!({ "to": TO, "content": "once", "idempotency_key": "k" });
    let first = client.command("send", &json!("a"), d.clone()).await;
    assert_eq!(
        (&first["status"], &first["d"]["state"]),
        (&json!(202), &json!("queued")),
        "{first}"
    );
    assert_eq!(first.get("idempotent_replayed"), None);
    let again = client.command("send", &json!(2), d).await;
    assert_eq!(again["d"]["id"], first["d"]["id"]);
    assert_eq!(again["idempotent_replayed"], true);

    let rest = app
        .request(Method::POST, "/api/v1/messages")
        .header("Idempotency-Key", "k")
        .json(&json!({ "to": TO, "content": "once" }))
        .send()
        .await
        .unwrap();
    assert_eq!(rest.headers()["idempotent-replayed"], "true");
    assert_eq!(rest.json::<Value>().await.unwrap()["id"], first["d"]["id"]);

    let other = json!({ "to": TO, "content": "twice", "idempotency_key": "k" });
    let other = client.command("send", &json!("c"), other).await;
    assert_eq!(
        (&other["status"], &other["d"]["code"]),
        (&json!(422), &json!("idempotency_mismatch"))
    );
    app.stop().await;
}

#[tokio::test]
async fn invalid_command_is_answered_not_closed() {
    let app = App::start().await;
    let (mut client, _) = Client::identified(&app, json!({})).await;
    for (d, code) in [
        (json!({ "to": TO }), "empty_text"),
        (json!({ "to": TO, "content": "" }), "empty_text"),
        (json!({ "to": TO, "content": "x", "colour": "red" }), "invalid_body"),
        (
            json!({ "to": TO, "content": "x", "idempotency_key": 7 }),
            "invalid_body",
        ),
        (json!("hello"), "invalid_body"),
        (json!({ "conversation_id": 9, "content": "x" }), "not_found"),
    ] {
        let reply = client.command("send", &json!("x"), d.clone()).await;
        assert_eq!(reply["d"]["code"], code, "{d}");
        assert_eq!(reply["status"], reply["d"]["status"]);
    }
    let message = app.inbound("Ada", TO, "hello").await;
    let d = json!({ "conversation_id": message.conversation_id });
    assert_eq!(client.command("mark_read", &json!(1), d).await["status"], 200);
    let d = json!({ "conversation_id": message.conversation_id, "typing": true });
    let reply = client.command("typing", &json!(1), d.clone()).await;
    assert_eq!((&reply["status"], &reply["d"]), (&json!(200), &d));

    client.say(&json!({ "op": "dance", "id": 1 })).await;
    assert_eq!(client.close_code().await, 4001);
    app.stop().await;
}

#[tokio::test]
async fn read_only_key_may_not_send() {
    let app = App::start().await;
    let key = app.key_of(Scope::Read).await;
    let mut client = Client::greeted(&app).await;
    client.say(&json!({ "op": "identify", "d": { "token": key } })).await;
    assert_eq!(client.frame().await["op"], "ready");
    for (op, d) in [
        ("send", json!({ "to": TO, "content": "x" })),
        ("typing", json!({ "conversation_id": 1, "typing": true })),
    ] {
        let reply = client.command(op, &json!(1), d).await;
        assert_eq!(
            (&reply["status"], &reply["d"]["code"]),
            (&json!(403), &json!("scope_missing"))
        );
    }
    app.stop().await;
}

/// Else customers and colleagues would read a name that the agent no longer has.
#[tokio::test]
async fn renamed_agent_sends_under_the_new_name() {
    let app = App::start().await;
    let made = app.post("/api/v1/agents", &json!({ "name": "Ada" })).await;
    assert_eq!(made.status(), 201);
    let wanted = json!({ "name": "desk", "scope": "send", "agent_id": 1 });
    let key: Value = app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
    let (mut client, _) = Client::identified(&app, json!({ "token": key["key"] })).await;
    for name in ["Ada", "Grace"] {
        let renamed = app.request(Method::PATCH, "/api/v1/agents/1");
        let renamed = renamed.json(&json!({ "name": name })).send().await.unwrap();
        assert_eq!(renamed.status(), 200);
        let d = json!({ "to": TO, "content": "hello" });
        let reply = client.command("send", &json!(name), d).await;
        assert_eq!(reply["d"]["author"]["name"], name, "{reply}");
    }
    app.stop().await;
}
