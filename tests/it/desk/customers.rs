//! Customers who are created before they write, and their pictures.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{posted, refused, told};
use crate::api::app::App;
use crate::rig::files::png;

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

/// The same bytes and headers as the file's own.
#[tokio::test]
async fn avatar_is_served_as_its_file() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.inbound("Ben", "+447700900124", "hello").await;
    let path = "/api/v1/customers/1/avatar";
    let (status, code, problem) = refused(app.get(path).await).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
    assert!(problem["detail"].as_str().unwrap().contains("no picture"), "{problem}");
    assert_eq!(app.get("/api/v1/customers/9/avatar").await.status(), 404);

    let photo = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png()));
    let set = json!({ "phone": "+447700900123", "photo_url": photo });
    posted(&app, "/customers/photo", &set).await;
    let file = app.json("/api/v1/customers/1").await["photo_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let (avatar, file) = (app.get(path).await, app.get(&file).await);
    assert_eq!(avatar.status(), 200);
    for name in [
        "content-type",
        "etag",
        "content-security-policy",
        "cache-control",
        "content-length",
    ] {
        assert_eq!(avatar.headers()[name], file.headers()[name], "{name}");
    }
    let tag = avatar.headers()["etag"].clone();
    assert_eq!(avatar.bytes().await.unwrap(), png());
    let again = app.request(Method::GET, path).header("If-None-Match", &tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let part = app.request(Method::GET, path).header("Range", "bytes=0-3");
    let part = part.send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.bytes().await.unwrap()),
        (206, png()[..4].to_vec().into())
    );
    // Of a merged customer it is that of the one who goes on.
    posted(&app, "/api/v1/customers/1/merge", &json!({ "with": 2 })).await;
    assert_eq!(app.get("/api/v1/customers/2/avatar").await.headers()["etag"], tag);
    app.stop().await;
}
