//! The guard against answers that cross.

use crm::contract::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::refused;
use crate::api::app::App;

async fn send(app: &App, key: &str, body: &Value) -> reqwest::Response {
    let request = app.bare(Method::POST, "/api/v1/messages").bearer_auth(key);
    request.json(body).send().await.unwrap()
}

#[tokio::test]
async fn answer_to_older_message_is_stopped() {
    let app = App::start().await;
    let first = app.inbound("Ada", "+447700900123", "Where is my order?").await;
    let of = first.conversation_id;
    let ours = app.key_of(Scope::Send).await;
    let answer = |seen: i64| json!({ "conversation_id": of, "content": "On its way", "seen_up_to": seen });
    let later = app.inbound("Ada", "+447700900123", "Found it, thanks").await;
    let (status, code, problem) = refused(send(&app, &ours, &answer(first.id.0)).await).await;
    assert_eq!((status, code.as_str()), (409, "overtaken"));
    assert_eq!(problem["missed"][0]["id"], json!(later.id));
    assert_eq!(problem["missed"][0]["content"], "Found it, thanks");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("the customer has written since")
    );

    // Who has seen it may answer; their own answer does not overtake them, but a colleague's does.
    assert_eq!(send(&app, &ours, &answer(later.id.0)).await.status(), 202);
    assert_eq!(send(&app, &ours, &answer(later.id.0)).await.status(), 202);
    let colleague = crm::contract::CreateKey {
        name: "colleague".to_owned(),
        scope: Scope::Send,
        expires_at: None,
        accounts: None,
        agent_id: None,
    };
    let colleague = crm::api::keys::make(&app.store, colleague).await.unwrap().key;
    let (status, code, problem) = refused(send(&app, &colleague, &answer(later.id.0)).await).await;
    assert_eq!((status, code.as_str()), (409, "overtaken"));
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("a colleague has written since")
    );
    let mut forced = answer(later.id.0);
    forced["force"] = json!(true);
    assert_eq!(send(&app, &colleague, &forced).await.status(), 202);
    app.stop().await;
}

#[tokio::test]
async fn guard_names_a_message_of_the_conversation() {
    let app = App::start().await;
    let here = app.inbound("Ada", "+447700900123", "hello").await;
    let there = app.inbound("Bob", "+447700900124", "hello").await;
    for seen in [there.id.0, 999, 0, -1] {
        let body = json!({ "conversation_id": here.conversation_id, "content": "hi", "seen_up_to": seen });
        let (status, _, problem) = refused(app.post("/api/v1/messages", &body).await).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/seen_up_to")));
    }
    app.stop().await;
}

#[tokio::test]
async fn force_does_not_pass_an_opt_out() {
    let app = App::start().await;
    let message = app.inbound("Ada", "+447700900123", "hello").await;
    let customer = message.customer_id.unwrap();
    let out = app
        .post(&format!("/api/v1/customers/{customer}/opt-out"), &json!({}))
        .await;
    assert_eq!(out.status(), 200, "{}", out.text().await.unwrap());
    let later = app.inbound("Ada", "+447700900123", "more").await;
    let body =
        json!({ "conversation_id": later.conversation_id, "content": "hi", "seen_up_to": message.id, "force": true });
    let (status, code, _) = refused(app.post("/api/v1/messages", &body).await).await;
    assert!(status == 409 && code == "opted_out" || status == 202, "{status} {code}");
    app.stop().await;
}
