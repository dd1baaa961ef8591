//! Keys that are limited to accounts: what they are told, count, send and create is what the lists show them, no less and no
//! more.

use std::collections::BTreeSet;

use crm::domain::ConversationId;
use crm::store::StoreError;
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

use super::exports::work;
use super::posted;
use super::template_uses::upload;
use super::visibility::Two;
use crate::cli::rig::Shell;

impl Two {
    /// Returns all events of the journal that a key is told.
    async fn told(&self, key: &str) -> Vec<Value> {
        self.replayed(key).await.1
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

    /// So many messages of a conversation are unread.
    async fn unread(&self, conversation: i64, count: i64) {
        let added = self
            .app
            .store
            .write::<_, _, StoreError, _>((conversation, count), |tx, &(id, count)| {
                async move { tx.conversations().add_unread(ConversationId(id), count).await }.boxed()
            });
        added.await.unwrap();
    }

    async fn done(&self, key: &str, method: Method, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(key, method.clone(), path, Some(body)).await;
        assert_eq!(status, 200, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// By whom it may be read counts, not by which account it is filtered.
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
    let (of_template, alone) = (upload(&two.app).await, upload(&two.app).await);
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

/// Customer 3 has one unread message with `default`, and two with `other`.
#[tokio::test]
async fn bound_key_counts_own_unread_alone() {
    let two = Two::start().await;
    let default = &two.keys[0];
    two.unread(3, 1).await;
    two.unread(4, 2).await;
    posted(&two.app, "/api/v1/labels", &json!({ "name": "vip" })).await;
    let path = "/api/v1/customers/3";
    assert_eq!(two.json(default, path).await["unread_count"], 1);
    assert_eq!(two.json(&two.app.key, path).await["unread_count"], 3);
    for (method, more, body) in [
        (Method::PATCH, "", json!({ "status": "lead" })),
        (Method::PATCH, "", json!({})),
        (Method::PUT, "/labels/vip", json!({})),
        (Method::DELETE, "/labels/vip", json!({})),
        (Method::POST, "/opt-out", json!({})),
        (Method::POST, "/opt-in", json!({})),
    ] {
        let answer = two.done(default, method.clone(), &format!("{path}{more}"), body).await;
        assert_eq!(answer["unread_count"], 1, "{method} {more}");
    }
    let told = two.told_of(default, "customer.updated").await;
    assert!(told.len() >= 4, "{told:?}");
    assert!(told.iter().all(|frame| frame["d"]["unread_count"] == 1), "{told:?}");
    let told = two.told_of(&two.app.key, "customer.updated").await;
    assert!(told.iter().all(|frame| frame["d"]["unread_count"] == 3), "{told:?}");
    two.app.stop().await;
}

/// Ben (2) is of `other` alone, as is the conversation that is merged.
#[tokio::test]
async fn merge_hides_conversations_of_other_accounts() {
    let two = Two::start().await;
    let [default, other, _] = &two.keys;
    let merge = posted(&two.app, "/api/v1/customers/3/merge", &json!({ "with": 2 })).await;
    assert_eq!(merge["conversations"].as_array().unwrap().len(), 1);
    let place = format!("/api/v1/merges/{}", merge["id"]);
    let again = two
        .done(default, Method::POST, "/api/v1/customers/3/merge", json!({ "with": 2 }))
        .await;
    let listed = two.json(default, "/api/v1/customers/3/merges").await["data"][0].clone();
    for seen in [again, listed, two.json(default, &place).await] {
        assert_eq!(seen["conversations"], json!([]), "{seen}");
    }
    assert_eq!(two.json(other, &place).await, merge);

    let undone = two
        .done(default, Method::POST, &format!("{place}/undo"), json!({}))
        .await;
    assert_eq!(undone["conversations"], json!([]), "{undone}");
    let told = two.told_of(default, "customer.unmerged").await;
    assert_eq!((told.len(), &told[0]["d"]["restored"]), (1, &Value::Null), "{told:?}");
    let told = two.told_of(other, "customer.unmerged").await;
    assert_eq!(told[0]["d"]["restored"]["name"], "Ben", "{told:?}");
    two.app.stop().await;
}

/// Of the two, `other` sees Ben (2) alone.
#[tokio::test]
async fn undone_merge_reaches_keys_of_restored() {
    let two = Two::start().await;
    let other = &two.keys[1];
    let merge = posted(&two.app, "/api/v1/customers/1/merge", &json!({ "with": 2 })).await;
    posted(&two.app, &format!("/api/v1/merges/{}/undo", merge["id"]), &json!({})).await;
    assert!(two.told_of(other, "customer.unmerged").await.is_empty());
    let told = two.told_of(other, "customer.updated").await;
    let last = told.last().expect("an event of the restored customer");
    assert_eq!((&last["d"]["id"], &last["d"]["name"]), (&json!(2), &json!("Ben")));
    assert_eq!(last["d"].get("merged_into"), None, "{last}");
    two.app.stop().await;
}

/// Nobody is made whom the key would not see, and nobody is named whom it does not.
#[tokio::test]
async fn bound_key_creates_no_customer() {
    let two = Two::start().await;
    let default = &two.keys[0];
    for phone in ["+447700900102", "+447700900109"] {
        let body = json!({ "phone": phone, "name": "New" });
        let (status, text) = two.ask(default, Method::POST, "/api/v1/customers", Some(body)).await;
        assert_eq!(status, 403, "{text}");
        assert!(
            text.contains("account_bound") && text.contains("POST /api/v1/messages"),
            "{text}"
        );
    }
    assert_eq!(two.ids(&two.app.key, "/api/v1/customers").await, [1, 2, 3]);
    // As the answer says, writing to the number does it.
    let send = json!({ "to": "+447700900109", "content": "hello" });
    let (status, text) = two.ask(default, Method::POST, "/api/v1/messages", Some(send)).await;
    assert_eq!(status, 202, "{text}");
    two.done(default, Method::PATCH, "/api/v1/customers/4", json!({ "name": "New" }))
        .await;
    two.app.stop().await;
}

#[tokio::test]
async fn taken_number_names_no_hidden_customer() {
    let two = Two::start().await;
    let default = &two.keys[0];
    let set = async |key: &str, phone: &str| {
        let (status, text) = two
            .ask(
                key,
                Method::PATCH,
                "/api/v1/customers/1",
                Some(json!({ "phone": phone })),
            )
            .await;
        assert_eq!(status, 409, "{text}");
        text
    };
    let hidden = set(default, "+447700900102").await;
    assert!(!hidden.contains("customer 2") && !hidden.contains("Ben"), "{hidden}");
    assert!(set(default, "+447700900103").await.contains("customer 3"));
    assert!(set(&two.app.key, "+447700900102").await.contains("customer 2"));
    two.app.stop().await;
}

/// Customer 3 was active last with `other`.
#[tokio::test]
async fn preview_is_of_conversation_that_is_seen() {
    let two = Two::start().await;
    let body = json!({ "name": "who", "body": "{{ account.name }} {{ conversation.id }}" });
    posted(&two.app, "/api/v1/templates", &body).await;
    let [default, other, both] = &two.keys;
    for (key, expected) in [(default, "default 3"), (other, "other 4"), (both, "other 4")] {
        let path = "/api/v1/templates/who/render";
        let rendered = two.done(key, Method::POST, path, json!({ "customer_id": 3 })).await;
        assert_eq!(rendered["content"], expected);
    }
    two.app.stop().await;
}
