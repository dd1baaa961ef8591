//! Who is not written to.

use crm::contract::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::app::App;

/// The refusal says what to do, and ends with the opt-out.
#[tokio::test]
async fn send_to_opted_out_customer_is_refused() {
    let app = App::start().await;
    let met = app.inbound("Ada", "+447700900123", "hello").await;
    let id = met.customer_id.unwrap();
    let path = |what: &str| format!("/api/v1/customers/{id}/{what}");
    let queued: Value = app
        .post("/api/v1/messages", &json!({ "customer_id": id, "content": "an offer" }))
        .await
        .json()
        .await
        .unwrap();
    let sender = app.key_of(Scope::Send).await;
    let ask = |what: &str| app.bare(Method::POST, &path(what)).bearer_auth(&sender).send();
    let out: Value = ask("opt-out").await.unwrap().json().await.unwrap();
    assert_eq!(out["opted_out_at"], App::now().to_string());
    assert_eq!(out["opted_out_by"], "send key");
    let taken_back = app.json(&format!("/api/v1/messages/{}", queued["id"])).await;
    assert_eq!(taken_back["failure"]["code"], "opted_out");

    let refused = app
        .post("/api/v1/messages", &json!({ "customer_id": id, "content": "another" }))
        .await;
    assert_eq!(refused.status(), 409);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "opted_out");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("crm customer opt-in {id}")), "{detail}");
    assert_eq!(ask("opt-in").await.unwrap().status(), 403, "taking it back needs more");

    let back: Value = app.post(&path("opt-in"), &json!({})).await.json().await.unwrap();
    assert_eq!(back.get("opted_out_at"), None);
    let sent = app
        .post("/api/v1/messages", &json!({ "customer_id": id, "content": "welcome" }))
        .await;
    assert_eq!(sent.status(), 202);
    assert_eq!(app.post("/api/v1/customers/99/opt-in", &json!({})).await.status(), 404);
    app.stop().await;
}
