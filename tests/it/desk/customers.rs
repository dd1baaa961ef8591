//! Customers who are created before they write.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{posted, refused, told};
use crate::api::app::App;

#[tokio::test]
async fn customer_is_created_once_and_written_to() {
    let app = App::start().await;
    let body = json!({ "phone": "+44 7700 900123", "name": "Ada", "attributes": { "plan": "gold" } });
    let create = || {
        let request = app
            .request(Method::POST, "/api/v1/customers")
            .header("Idempotency-Key", "C1");
        request.json(&body).send()
    };
    let first = create().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    let place = first.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = first.json().await.unwrap();
    assert_eq!(
        (&made["name"], &made["phone"], &made["attributes"]["plan"]),
        (&json!("Ada"), &json!("+447700900123"), &json!("gold"))
    );
    let again = create().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), made);
    assert_eq!(app.json(&place).await["id"], made["id"]);
    let (status, code, problem) = refused(app.post("/api/v1/customers", &body).await).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains(&format!("customer {}", made["id"]))
    );
    assert_eq!(told(&app, "customer.created").await.len(), 1);
    let sent = posted(
        &app,
        "/api/v1/messages",
        &json!({ "customer_id": made["id"], "content": "hello" }),
    )
    .await;
    assert_eq!(sent["customer_id"], made["id"]);
    for (body, pointer) in [
        (json!({ "phone": "nobody" }), "/phone"),
        (json!({ "phone": "+447700900124", "name": "\u{200b}" }), "/name"),
        (json!({ "phone": "+447700900124", "status": "" }), "/status"),
    ] {
        let (status, _, problem) = refused(app.post("/api/v1/customers", &body).await).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{body}"
        );
    }
    app.stop().await;
}
