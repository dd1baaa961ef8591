//! Keys that are limited to accounts: what they are told, count, send and create is what the lists show them, no less and no
//! more.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::exports::work;
use super::posted;
use super::visibility::Two;
use crate::cli::rig::Shell;
use crate::rig::files::png;
use crate::ws::client::Client;

impl Two {
    /// Returns all events of the journal that a key is told.
    async fn told(&self, key: &str) -> Vec<Value> {
        let mut client = Client::greeted(&self.app).await;
        let identify = json!({ "token": key, "resume_from": 0 });
        client.say(&json!({ "op": "identify", "d": identify })).await;
        assert_eq!(client.frame().await["op"], "ready");
        let mut told = vec![];
        loop {
            let frame = client.frame().await;
            if frame["op"] == "resumed" {
                return told;
            }
            told.push(frame);
        }
    }

    async fn told_of(&self, key: &str, kind: &str) -> Vec<Value> {
        let mut told = self.told(key).await;
        told.retain(|frame| frame["t"] == kind);
        told
    }

    /// A key that may only read.
    async fn reader(&self, accounts: Value) -> String {
        let wanted = json!({ "name": "reader", "scope": "read", "accounts": accounts });
        posted(&self.app, "/api/v1/keys", &wanted).await["key"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn done(&self, key: &str, method: Method, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(key, method.clone(), path, Some(body)).await;
        assert_eq!(status, 200, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// Whoever asked for it, and whichever account it is filtered by.
#[tokio::test]
async fn export_events_reach_readers_of_export() {
    let two = Two::start().await;
    let [default, other, both] = &two.keys;
    let readers = [
        two.reader(json!(["default"])).await,
        two.reader(json!(["default"])).await,
        two.reader(Value::Null).await,
    ];
    let [reader, ..] = &readers;
    let of_default = json!({ "what": "messages", "account": "default" });
    for (key, body) in [
        (&two.app.key, &of_default),
        (&two.app.key, &json!({ "what": "messages" })),
        (default, &json!({ "what": "messages" })),
        (reader, &json!({ "what": "customers" })),
        (other, &json!({ "what": "messages", "account": "other" })),
        (both, &json!({ "what": "customers" })),
    ] {
        let (status, text) = two.ask(key, Method::POST, "/api/v1/exports", Some(body.clone())).await;
        assert_eq!(status, 202, "{text}");
    }
    work(&two.app).await;
    for key in readers.iter().chain(&two.keys).chain([&two.app.key]) {
        let listed: BTreeSet<_> = two.ids(key, "/api/v1/exports").await.into_iter().collect();
        let told = two.told_of(key, "export.state").await;
        assert_eq!(
            told.len(),
            3 * listed.len(),
            "queued, running and done of each: {told:?}"
        );
        let told: BTreeSet<_> = told.iter().map(|frame| frame["d"]["id"].as_i64().unwrap()).collect();
        assert_eq!(told, listed);
    }
    assert_eq!(two.ids(&two.app.key, "/api/v1/exports").await.len(), 6);
    two.app.stop().await;
}

#[tokio::test]
async fn bound_key_waits_for_its_export() {
    let two = Two::start().await;
    let shell = Shell::of(&two.app).with("CRM_API_KEY", &two.keys[0]);
    let asks = ["export", "customers", "--job", "--out", "all.ndjson"];
    let (waited, ()) = tokio::join!(shell.ok(&asks), async {
        while two.ids(&two.app.key, "/api/v1/exports").await.is_empty() {
            tokio::task::yield_now().await;
        }
        work(&two.app).await;
    });
    assert_eq!(waited.out, "");
    let file = std::fs::read_to_string(shell.folder.path().join("all.ndjson")).unwrap();
    assert_eq!(file.lines().count(), 2, "{file}");
    two.app.stop().await;
}

/// Labels, templates, attributes and agents are of no account, and every key reads them.
#[tokio::test]
async fn events_of_shared_lists_reach_bound_keys() {
    let two = Two::start().await;
    for (path, name, body) in [
        ("labels", "vip", json!({ "name": "vip" })),
        ("templates", "hi", json!({ "name": "hi", "body": "hello" })),
        ("attributes", "plan", json!({ "name": "plan", "kind": "text" })),
        ("agents", "1", json!({ "name": "Ada" })),
    ] {
        posted(&two.app, &format!("/api/v1/{path}"), &body).await;
        let place = format!("/api/v1/{path}/{name}");
        let edit = match path {
            "templates" => json!({ "body": "hello again" }),
            "agents" => json!({ "role": "manager" }),
            _ => json!({ "description": "changed" }),
        };
        two.done(&two.app.key, Method::PATCH, &place, edit).await;
        if path != "agents" {
            assert_eq!(two.ask(&two.app.key, Method::DELETE, &place, None).await.0, 204);
        }
    }
    let lists = ["label.", "template.", "attribute.", "agent."];
    let of_lists = |mut told: Vec<Value>| {
        told.retain(|frame| lists.iter().any(|list| frame["t"].as_str().unwrap().starts_with(list)));
        told
    };
    let whole = of_lists(two.told(&two.app.key).await);
    assert_eq!(whole.len(), 11, "{whole:?}");
    assert_eq!(of_lists(two.told(&two.keys[0]).await), whole);
    two.app.stop().await;
}

#[tokio::test]
async fn bound_key_sends_template_with_file() {
    let two = Two::start().await;
    let default = &two.keys[0];
    let upload = async || {
        let request = two.app.request(Method::POST, "/api/v1/media?filename=menu.png");
        let answer = request
            .header("Content-Type", "image/png")
            .body(png())
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["id"].as_i64().unwrap()
    };
    let (of_template, alone) = (upload().await, upload().await);
    let menu = json!({ "name": "menu", "body": "Our menu", "media": { "id": of_template } });
    posted(&two.app, "/api/v1/templates", &menu).await;
    let send = json!({ "conversation_id": 1, "template": { "name": "menu" } });
    let (status, text) = two.ask(default, Method::POST, "/api/v1/messages", Some(send)).await;
    assert_eq!(status, 202, "{text}");
    // Of another account, in which nothing was sent with it.
    let other = &two.keys[1];
    for (medium, status) in [(of_template, 200), (alone, 404)] {
        let path = format!("/api/v1/media/{medium}");
        assert_eq!(two.ask(other, Method::GET, &path, None).await.0, status, "{path}");
    }
    two.app.stop().await;
}
