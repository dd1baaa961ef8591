//! A key or an agent that is limited to accounts sees what is of these accounts, and nothing else is there.

use crm::domain::AccountId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::app::App;
use crate::ws::client::Client;

/// Two accounts: customer 1 writes to `default`, 2 to `other`, 3 to both.
pub struct Two {
    pub app: App,
    /// Keys of `default`, of `other`, and of both.
    pub keys: [String; 3],
}

impl Two {
    /// Follows the journal from its beginning with a key. Returns the client, and all that it was told of the past.
    pub async fn replayed(&self, key: &str) -> (Client, Vec<Value>) {
        let mut client = Client::greeted(&self.app).await;
        let identify = json!({ "token": key, "resume_from": 0 });
        client.say(&json!({ "op": "identify", "d": identify })).await;
        assert_eq!(client.frame().await["op"], "ready");
        let mut told = vec![];
        loop {
            let frame = client.frame().await;
            if frame["op"] == "resumed" {
                return (client, told);
            }
            told.push(frame);
        }
    }

    pub async fn start() -> Self {
        let mut app = App::start().await;
        let default = app.account;
        let other: Value = app
            .post("/api/v1/accounts", &json!({ "name": "other" }))
            .await
            .json()
            .await
            .unwrap();
        let other = AccountId(other["id"].as_i64().unwrap());
        for (account, name, phone) in [
            (default, "Ada", "+447700900101"),
            (other, "Ben", "+447700900102"),
            (default, "Cyd", "+447700900103"),
            (other, "Cyd", "+447700900103"),
            (other, "Cyd", "+447700900103"),
        ] {
            app.account = account;
            app.inbound(name, phone, &format!("to {account}")).await;
        }
        app.account = default;
        let key = async |accounts: Value| {
            let wanted = json!({ "name": "bound", "scope": "admin", "accounts": accounts });
            let made: Value = app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
            made["key"].as_str().unwrap().to_owned()
        };
        let keys = [
            key(json!(["default"])).await,
            key(json!(["other"])).await,
            key(json!(["default", "other"])).await,
        ];
        Self { app, keys }
    }

    pub async fn ask(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        let mut request = self.app.bare(method, path).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn json(&self, key: &str, path: &str) -> Value {
        let (status, text) = self.ask(key, Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn ids(&self, key: &str, path: &str) -> Vec<i64> {
        let list = self.json(key, path).await;
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_i64().unwrap())
            .collect()
    }

    /// Reads a list to its end in pages of one row. Returns the ids in it.
    pub async fn one_by_one(&self, key: &str, list: &str, order: &str) -> Vec<i64> {
        let side = if order == "asc" { "after" } else { "before" };
        let first = format!("/api/v1/{list}?limit=1&order={order}");
        let (mut ids, mut next) = (vec![], Some(first.clone()));
        while let Some(path) = next {
            let page = self.json(key, &path).await;
            let rows = page["data"].as_array().unwrap();
            ids.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
            let cursor = page["next_cursor"].as_str();
            next = cursor.map(|cursor| format!("{first}&{side}={cursor}"));
        }
        ids
    }
}

#[tokio::test]
async fn lists_leave_out_other_accounts() {
    let two = Two::start().await;
    let [default, other, both] = &two.keys;
    for (path, of_default, of_other, of_both) in [
        ("/api/v1/customers", vec![1, 3], vec![2, 3], vec![1, 2, 3]),
        (
            "/api/v1/conversations?order=asc",
            vec![1, 3],
            vec![2, 4],
            vec![1, 2, 3, 4],
        ),
        ("/api/v1/accounts", vec![1], vec![2], vec![1, 2]),
        ("/api/v1/customers?search=cyd", vec![3], vec![3], vec![3]),
        ("/api/v1/customers?search=447700900101", vec![1], vec![], vec![1]),
        (
            "/api/v1/conversations?customer_id=3&order=asc",
            vec![3],
            vec![4],
            vec![3, 4],
        ),
    ] {
        assert_eq!(two.ids(default, path).await, of_default, "{path}");
        assert_eq!(two.ids(other, path).await, of_other, "{path}");
        assert_eq!(two.ids(both, path).await, of_both, "{path}");
        assert_eq!(two.ids(&two.app.key, path).await, of_both, "{path}");
    }
    // Page by page, each once and in order.
    for (list, order, wanted) in [
        ("customers", "asc", vec![1, 2, 3]),
        ("conversations", "desc", vec![4, 3, 2, 1]),
    ] {
        assert_eq!(two.one_by_one(both, list, order).await, wanted, "{list}");
    }
    let named = two
        .ask(default, Method::GET, "/api/v1/customers?account=other", None)
        .await;
    assert_eq!(named.0, 404, "as an account that does not exist");
    let path = "/api/v1/conversations?account_id=1&order=asc";
    assert_eq!(two.ids(default, path).await, [1, 3]);
    assert_eq!(
        two.ask(other, Method::GET, path, None).await.0,
        404,
        "by its id as well"
    );
    // What is unread elsewhere is not counted.
    assert_eq!(
        two.json(other, "/api/v1/status").await["accounts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        two.json(other, "/readyz").await["whatsapp"].as_array().unwrap().len(),
        1
    );
    for (key, rows) in [(default, 2), (other, 3), (both, 5)] {
        let (_, exported) = two.ask(key, Method::GET, "/api/v1/export/messages", None).await;
        assert_eq!(exported.lines().count(), rows);
        let (_, exported) = two.ask(key, Method::GET, "/api/v1/export/customers", None).await;
        assert_eq!(exported.lines().count(), if key == both { 3 } else { 2 });
    }
    two.app.stop().await;
}

/// The conversation that a merge has ended keeps the customer who is no more.
#[tokio::test]
async fn merged_customer_takes_nobody_off_pages() {
    let mut two = Two::start().await;
    for (account, name, phone) in [
        (1, "Dan", "+447700900104"),
        (1, "Eve", "+447700900105"),
        (2, "Fay", "+447700900106"),
    ] {
        two.app.account = AccountId(account);
        two.app.inbound(name, phone, "hello").await;
    }
    two.app.account = AccountId(1);
    let merged = two.app.post("/api/v1/customers/1/merge", &json!({ "with": 4 })).await;
    assert!(merged.status().is_success(), "{}", merged.status());
    let [default, _, both] = &two.keys;
    assert_eq!(two.one_by_one(both, "customers", "asc").await, [1, 2, 3, 5, 6]);
    assert_eq!(two.one_by_one(both, "customers", "desc").await, [6, 5, 3, 2, 1]);
    assert_eq!(two.one_by_one(default, "customers", "asc").await, [1, 3, 5]);
    assert_eq!(
        two.ids(default, "/api/v1/customers?limit=3").await,
        [1, 3, 5],
        "a whole page"
    );
    let (_, exported) = two.ask(both, Method::GET, "/api/v1/export/customers", None).await;
    assert_eq!(exported.lines().count(), 5);
    two.app.stop().await;
}

#[tokio::test]
async fn thing_of_other_account_is_not_there() {
    let two = Two::start().await;
    let default = &two.keys[0];
    for path in [
        "/api/v1/customers/2",
        "/api/v1/customers/2/identities",
        "/api/v1/customers/2/merges",
        "/api/v1/conversations/2",
        "/api/v1/conversations/4",
        "/api/v1/conversations/2/messages",
        "/api/v1/messages/2",
        "/api/v1/accounts/other",
        "/api/v1/accounts/2",
        "/api/v1/accounts/other/session",
        "/messages/2",
    ] {
        let (status, text) = two.ask(default, Method::GET, path, None).await;
        assert_eq!(status, 404, "{path}: {text}");
        assert!(!text.contains("Ben") && !text.contains("900102"), "{text}");
    }
    for (method, path, body) in [
        (Method::PATCH, "/api/v1/customers/2", json!({ "name": "x" })),
        (Method::POST, "/api/v1/customers/2/opt-out", json!({})),
        (Method::POST, "/api/v1/customers/1/merge", json!({ "with": 2 })),
        (Method::POST, "/api/v1/conversations/2/read", json!({})),
        (Method::PATCH, "/api/v1/messages/2", json!({ "content": "x" })),
        (Method::DELETE, "/api/v1/messages/2", json!({})),
        (Method::PUT, "/api/v1/messages/2/reaction", json!({ "emoji": "👍" })),
        (Method::POST, "/api/v1/messages/2/retry", json!({})),
        (
            Method::POST,
            "/api/v1/messages",
            json!({ "conversation_id": 2, "content": "x" }),
        ),
        (
            Method::POST,
            "/api/v1/messages",
            json!({ "customer_id": 2, "content": "x" }),
        ),
        (
            Method::POST,
            "/api/v1/messages",
            json!({ "customer_id": 1, "content": "x", "account": "other" }),
        ),
        (
            Method::POST,
            "/messages/send",
            json!({ "customer_id": 2, "content": "x" }),
        ),
        (Method::POST, "/api/v1/accounts/other/logout", json!({})),
        (
            Method::POST,
            "/api/v1/accounts/default/sync",
            json!({ "conversation_id": 2 }),
        ),
        (Method::DELETE, "/api/v1/accounts/other", json!({})),
    ] {
        let (status, text) = two.ask(default, method.clone(), path, Some(body)).await;
        assert_eq!(status, 404, "{method} {path}: {text}");
    }
    // Of its own accounts the key chooses the one, whatever others there are.
    let sent = two.ask(
        default,
        Method::POST,
        "/api/v1/messages",
        Some(json!({ "customer_id": 3, "content": "hi" })),
    );
    let (status, text) = sent.await;
    assert_eq!(status, 202, "{text}");
    let sent: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sent["account_id"], 1);
    let mut client = Client::greeted(&two.app).await;
    client
        .say(&json!({ "op": "identify", "d": { "token": default } }))
        .await;
    assert_eq!(client.frame().await["op"], "ready");
    for (op, d) in [
        ("mark_read", json!({ "conversation_id": 2 })),
        ("typing", json!({ "conversation_id": 2, "typing": true })),
        ("delete", json!({ "message_id": 2 })),
        ("send", json!({ "conversation_id": 2, "content": "x" })),
    ] {
        let reply = client.command(op, &json!(op), d).await;
        assert_eq!(reply["status"], 404, "{reply}");
    }
    two.app.stop().await;
}

#[tokio::test]
async fn uploads_and_files_follow_their_accounts() {
    let two = Two::start().await;
    let [default, other, both] = &two.keys;
    let upload = two
        .app
        .bare(Method::POST, "/api/v1/media")
        .bearer_auth(default)
        .body(vec![7; 9]);
    let upload: Value = upload.send().await.unwrap().json().await.unwrap();
    let path = format!("/api/v1/media/{}", upload["id"]);
    for (key, status) in [(default, 200), (other, 404), (both, 404), (&two.app.key, 200)] {
        assert_eq!(two.ask(key, Method::GET, &path, None).await.0, status);
    }
    let send = json!({ "conversation_id": 1, "content": "", "media": { "id": upload["id"], "kind": "document" } });
    let of_other = json!({ "conversation_id": 2, "content": "", "media": { "id": upload["id"], "kind": "document" } });
    assert_eq!(
        two.ask(other, Method::POST, "/api/v1/messages", Some(of_other)).await.0,
        404
    );
    assert_eq!(
        two.ask(default, Method::POST, "/api/v1/messages", Some(send)).await.0,
        202
    );
    for (key, status) in [(default, 200), (other, 404), (both, 200)] {
        assert_eq!(
            two.ask(key, Method::GET, &path, None).await.0,
            status,
            "it is in a message now"
        );
    }
    two.app.stop().await;
}

/// The socket tells a limited key no more than REST does, live and from the journal.
#[tokio::test]
async fn socket_tells_events_of_own_accounts_alone() {
    let mut two = Two::start().await;
    let other = two.keys[1].clone();
    let (mut client, told) = two.replayed(&other).await;
    assert!(told.iter().all(|frame| frame["account_id"] == 2), "{told:?}");
    let contents: Vec<_> = told.iter().filter(|frame| frame["t"] == "message.received").collect();
    assert_eq!(contents.len(), 3);
    two.app.inbound("Ada", "+447700900101", "not for them").await;
    two.app.account = AccountId(2);
    two.app.inbound("Ben", "+447700900102", "for them").await;
    let frame = client.frame().await;
    assert_eq!(frame["d"]["content"], "for them", "{frame}");
    two.app.stop().await;
}

/// An agent's accounts limit every key of theirs.
#[tokio::test]
async fn agents_accounts_limit_their_keys() {
    let two = Two::start().await;
    let agent = json!({ "name": "Ada", "accounts": ["other"] });
    assert_eq!(two.app.post("/api/v1/agents", &agent).await.status(), 201);
    let wanted = json!({ "name": "all", "scope": "admin", "agent_id": 1, "accounts": ["default", "other"] });
    let made: Value = two.app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
    let key = made["key"].as_str().unwrap();
    assert_eq!(two.ids(key, "/api/v1/customers").await, [2, 3]);
    let edit = two
        .app
        .request(Method::PATCH, "/api/v1/agents/1")
        .json(&json!({ "accounts": [] }));
    assert_eq!(edit.send().await.unwrap().status(), 200);
    assert!(two.ids(key, "/api/v1/customers").await.is_empty(), "at once");
    two.app.stop().await;
}
