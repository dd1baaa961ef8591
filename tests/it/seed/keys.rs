//! Keys: the endpoints that each may use.

use crm::api::secret;
use crm::contract::Scope;
use crm::domain::AccountId;
use crm::domain::account::AccountKind;
use crm::store::{NewApiKey, StoreError};
use futures_util::FutureExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Events, get_as, post, post_as, told};
use crate::api::app::App;

/// A key that is limited to these accounts.
async fn bound_key(app: &App, scope: Scope, accounts: Vec<AccountId>) -> String {
    let key = secret::new_key().unwrap();
    let new = NewApiKey {
        name: "bound".to_owned(),
        prefix: secret::shown(&key).to_owned(),
        hash: secret::hash(&key),
        scopes: vec![scope.to_string()],
        accounts: Some(accounts),
        expires_at: None,
        agent: None,
    };
    let stored = app.store.write::<_, _, StoreError, _>(new, |tx, new| {
        async move { tx.keys().create(new).await.map(|_| ()) }.boxed()
    });
    stored.await.unwrap();
    key
}

/// A gateway's account.
async fn gateway_account(app: &App, name: &'static str) -> AccountId {
    let made = app.store.write::<_, _, StoreError, _>(name, |tx, name| {
        async move { tx.accounts().create_of_kind(name, AccountKind::Gateway).await }.boxed()
    });
    made.await.unwrap().id
}

#[tokio::test]
async fn every_endpoint_needs_key_of_its_scope() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900101", "hello").await;
    let inbox = told("447700900102", "Bob", "hello", "B1");
    for (method, path, body, needed) in [
        (Method::GET, "/customers/summary", Value::Null, Scope::Read),
        (Method::GET, "/messages/1", Value::Null, Scope::Read),
        (Method::GET, "/messages/events/stream", Value::Null, Scope::Read),
        (Method::GET, "/api/v1/events", Value::Null, Scope::Read),
        (
            Method::POST,
            "/messages/send",
            json!({ "customer_id": 1, "content": "hi" }),
            Scope::Send,
        ),
        (Method::POST, "/messages/inbox", inbox, Scope::Send),
        (
            Method::POST,
            "/messages/ack",
            json!({ "whatsapp_id": "B1", "ack": 1 }),
            Scope::Send,
        ),
        (
            Method::POST,
            "/customers/photo",
            json!({ "phone": "447700900101", "photo_url": "data:," }),
            Scope::Send,
        ),
        (Method::GET, "/tables", Value::Null, Scope::Manage),
        (Method::GET, "/tables/customers", Value::Null, Scope::Manage),
    ] {
        let ask = async |key: Option<&str>| {
            let mut request = app.bare(method.clone(), path);
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            if !body.is_null() {
                request = request.json(&body);
            }
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(ask(None).await, 401, "{path}");
        for scope in [Scope::Read, Scope::Send, Scope::Manage] {
            let key = app.key_of(scope).await;
            let status = ask(Some(&key)).await;
            assert_eq!(status == 403, scope < needed, "{path} with {scope}: {status}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn bound_key_sees_only_customers_of_its_accounts() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900101", "hello").await;
    let account = gateway_account(&app, "shop").await;
    let key = bound_key(&app, Scope::Manage, vec![account]).await;
    let mut events = Events::open(&app, &key, "/messages/events/stream", None).await;
    let mut all = Events::open(&app, &key, "/api/v1/events", None).await;
    app.inbound("Cyd", "+447700900103", "hello").await;
    // The gateway's account is the one that the key names.
    let (status, message) = post_as(
        &app,
        &key,
        "/messages/inbox",
        &told("447700900102", "Bob", "hello", "B1"),
    )
    .await;
    assert_eq!((status, &message["customer_id"]), (200, &3.into()));
    assert_eq!(app.json("/api/v1/messages/3").await["account_id"], account.0);

    let (_, summary) = get_as(&app, &key, "/customers/summary").await;
    let names: Vec<_> = summary.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Bob"]);
    assert_eq!(get_as(&app, &key, "/messages/1").await.0, 404);
    assert_eq!(get_as(&app, &key, "/messages/3").await.0, 200);
    let ada = json!({ "customer_id": 1, "content": "hi" });
    assert_eq!(post_as(&app, &key, "/messages/send", &ada).await.0, 404);
    let photo = json!({ "phone": "447700900101", "photo_url": "data:image/png;base64,AQID" });
    assert_eq!(post_as(&app, &key, "/customers/photo", &photo).await.0, 404);
    assert_eq!(get_as(&app, &key, "/tables").await.0, 403);
    assert_eq!(get_as(&app, &key, "/tables/messages").await.0, 403);
    let told = [events.data().await, events.data().await];
    assert_eq!(
        (&told[0]["type"], &told[0]["customer"]["name"]),
        (&"new_customer".into(), &"Bob".into())
    );
    assert_eq!(
        (&told[1]["type"], &told[1]["customer_id"]),
        (&"inbound_message".into(), &3.into())
    );
    let told = all.next().await.unwrap();
    assert_eq!(
        (&told.data["type"], &told.data["data"]["name"]),
        (&"customer.created".into(), &"Bob".into())
    );
    app.stop().await;
}

#[tokio::test]
async fn gateway_key_names_one_gateway() {
    let app = App::start().await;
    let (one, other) = (gateway_account(&app, "one").await, gateway_account(&app, "other").await);
    let hello = told("447700900101", "Ada", "hello", "A1");
    let both = bound_key(&app, Scope::Send, vec![one, other]).await;
    let (status, problem) = post_as(&app, &both, "/messages/inbox", &hello).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("ambiguous_account")));
    let ours = bound_key(&app, Scope::Send, vec![app.account]).await;
    assert_eq!(post_as(&app, &ours, "/messages/inbox", &hello).await.0, 409);
    // One id in two accounts is two messages, and an ack of one reaches no other's.
    for account in [one, other] {
        let key = bound_key(&app, Scope::Send, vec![app.account, account]).await;
        assert_eq!(post_as(&app, &key, "/messages/inbox", &hello).await.0, 200);
    }
    assert_eq!(app.json("/messages/1").await.as_array().unwrap().len(), 2);
    assert_eq!(
        post(&app, "/messages/ack", &json!({ "whatsapp_id": "A1", "ack": 2 }))
            .await
            .0,
        202
    );
    app.stop().await;
}
