//! Notes of colleagues.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{conversation, posted, refused, told};
use crate::api::app::App;

#[tokio::test]
async fn note_is_stored_and_never_a_message() {
    let app = App::start().await;
    let path = conversation(&app).await;
    let note = posted(
        &app,
        &format!("{path}/notes"),
        &json!({ "content": "Careful: owes us 40" }),
    )
    .await;
    assert_eq!(note["author"]["origin"], "api");
    let place = format!("/api/v1/notes/{}", note["id"]);
    assert_eq!(app.json(&place).await, note);
    assert_eq!(app.json(&format!("{path}/notes")).await["data"], json!([note]));
    let messages = app.json(&format!("{path}/messages")).await;
    assert_eq!(messages["data"].as_array().unwrap().len(), 1, "the customer's");
    assert!(app.store.outbox().counts().await.unwrap().is_empty());
    let seen = app.json(&path).await;
    let gone = app.request(Method::DELETE, &place).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(app.get(&place).await.status(), 404);
    assert_eq!(app.request(Method::DELETE, &place).send().await.unwrap().status(), 404);
    assert_eq!(told(&app, "note.").await, ["note.created", "note.deleted"]);
    assert_eq!(app.json(&path).await["unread_count"], seen["unread_count"]);
    app.stop().await;
}

#[tokio::test]
async fn repeated_note_with_key_is_one() {
    let app = App::start().await;
    let path = format!("{}/notes", conversation(&app).await);
    let write = |text: &'static str| {
        let request = app.request(Method::POST, &path).header("Idempotency-Key", "N1");
        request.json(&json!({ "content": text })).send()
    };
    let first: Value = write("once").await.unwrap().json().await.unwrap();
    let second = write("once").await.unwrap();
    assert_eq!(second.status(), StatusCode::CREATED);
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.json::<Value>().await.unwrap(), first);
    assert_eq!(write("twice").await.unwrap().status(), 422);
    app.stop().await;
}

#[tokio::test]
async fn wrong_notes_are_refused_with_pointer() {
    let app = App::start().await;
    let path = format!("{}/notes", conversation(&app).await);
    let long = "x".repeat(16_385);
    for (body, code) in [
        (json!({ "content": "" }), "empty_text"),
        (json!({ "content": " \n" }), "empty_text"),
        (json!({ "content": long }), "text_too_long"),
        (json!({ "content": "a\u{0}b" }), "invalid_body"),
    ] {
        let (status, word, problem) = refused(app.post(&path, &body).await).await;
        assert_eq!((status, word.as_str()), (422, code));
        assert_eq!(problem["errors"][0]["pointer"], "/content");
    }
    let nowhere = app
        .post("/api/v1/conversations/999/notes", &json!({ "content": "x" }))
        .await;
    assert_eq!(nowhere.status(), 404);
    app.stop().await;
}
