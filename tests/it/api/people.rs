//! Customers: what people change about them, that two are one, and two after all.

use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

use super::app::App;
use crm::contract::Scope;

async fn patch(app: &App, id: i64, body: &Value, tag: Option<&str>) -> (u16, Value) {
    let mut request = app
        .request(Method::PATCH, &format!("/api/v1/customers/{id}"))
        .json(body);
    if let Some(tag) = tag {
        request = request.header("If-Match", tag);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn set_name_and_phone_override_until_cleared() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.inbound("Bob", "+447700900124", "hello").await;
    let first = app.get("/api/v1/customers/1").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();

    let (status, changed) = patch(&app, 1, &json!({"name": "Ada (Leeds)", "status": "vip"}), Some(&tag)).await;
    assert_eq!(
        (status, &changed["name"], &changed["name_source"]),
        (200, &json!("Ada (Leeds)"), &json!("set"))
    );
    let (status, problem) = patch(&app, 1, &json!({"name": "Else"}), Some(&tag)).await;
    assert_eq!((status, &problem["code"]), (412, &json!("precondition_failed")));
    assert!(
        problem["detail"].as_str().unwrap().contains("name, status"),
        "{problem}"
    );
    let (_, back) = patch(&app, 1, &json!({"name": null}), None).await;
    assert_eq!((&back["name"], &back["name_source"]), (&json!("Ada"), &json!("push")));

    let (_, moved) = patch(&app, 1, &json!({"phone": "+44 7700 900999"}), None).await;
    assert_eq!(moved["phone"], "+447700900999");
    let (_, back) = patch(&app, 1, &json!({"phone": null}), None).await;
    assert_eq!(back["phone"], "+447700900123");
    let (status, problem) = patch(&app, 1, &json!({"phone": "+447700900124"}), None).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("customer 2"), "{problem}");

    for (body, pointer) in [
        (json!({"name": "\u{202e}"}), "/name"),
        (json!({"phone": "07700"}), "/phone"),
        (json!({"status": ""}), "/status"),
        (json!({"nickname": "x"}), "/nickname"),
    ] {
        let (status, problem) = patch(&app, 1, &body, None).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{problem}"
        );
    }
    assert_eq!(patch(&app, 9, &json!({"name": "x"}), None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn merged_customer_ids_redirect_until_undo() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "from one number").await;
    app.inbound("Ada", "+447700900124", "from another").await;
    let merge = app.post("/api/v1/customers/1/merge", &json!({"with": 2})).await;
    assert_eq!(merge.status(), 200);
    let merge: Value = merge.json().await.unwrap();
    insta::assert_json_snapshot!("merge", merge);
    let again: Value = app
        .post("/api/v1/customers/1/merge", &json!({"with": 2}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(again, merge, "asked for twice it is done once");
    insta::assert_json_snapshot!("identities", app.json("/api/v1/customers/1/identities").await);
    assert_eq!(app.json("/api/v1/customers").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        app.json("/api/v1/conversations").await["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // Whoever follows is brought there; whoever does not is told where.
    assert_eq!(app.json("/api/v1/customers/2").await["id"], 1);
    assert_eq!(app.json("/api/v1/conversations/2").await["id"], 1);
    let messages = app.json("/api/v1/conversations/2/messages").await;
    assert_eq!(messages["data"].as_array().unwrap().len(), 2);
    let stays = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let told = stays
        .get(format!("{}/api/v1/customers/2", app.url))
        .bearer_auth(&app.key)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (told.status().as_u16(), &told.headers()["location"]),
        (307, &"/api/v1/customers/1".parse().unwrap())
    );
    assert_eq!(told.json::<Value>().await.unwrap(), json!({"id": 2, "merged_into": 1}));
    for path in ["/api/v1/conversations", "/api/v1/export/messages"] {
        let of = async |id: u32| app.get(&format!("{path}?customer_id={id}")).await.text().await.unwrap();
        let now = of(1).await;
        assert!(now.contains("\"customer_id\":1"), "{path}: {now}");
        assert_eq!(of(2).await, now, "{path}");
    }
    let sent = app
        .post("/api/v1/messages", &json!({"conversation_id": 2, "content": "Hi"}))
        .await;
    assert_eq!(sent.status(), 202);
    assert_eq!(sent.json::<Value>().await.unwrap()["conversation_id"], 1);

    let path = format!("/api/v1/merges/{}/undo", merge["id"]);
    let undone: Value = app.post(&path, &json!({})).await.json().await.unwrap();
    assert!(undone["undone_at"].is_string(), "{undone}");
    assert_eq!(app.json("/api/v1/customers/2").await["phone"], "+447700900124");
    assert_eq!(app.json("/api/v1/customers/1/merges").await["data"], json!([undone]));
    assert_eq!(
        app.post("/api/v1/customers/1/merge", &json!({"with": 1}))
            .await
            .status(),
        409
    );
    assert_eq!(
        app.post("/api/v1/customers/1/merge", &json!({"with": 9}))
            .await
            .status(),
        404
    );
    assert_eq!(app.post("/api/v1/merges/9/undo", &json!({})).await.status(), 404);

    let sender = app.key_of(Scope::Send).await;
    let refused = app
        .bare(Method::POST, "/api/v1/customers/1/merge")
        .bearer_auth(sender)
        .json(&json!({"with": 2}))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 403);
    app.stop().await;
}

/// Each change is kept in the journal with all of them.
#[tokio::test]
async fn attributes_are_bounded_and_lists_of_tags_match() {
    let app = App::start().await;
    let customer = app.inbound("Ada", "+447700900123", "hello").await.customer_id.unwrap();
    let path = format!("/api/v1/customers/{customer}");
    let large = json!({ "attributes": { "note": "x".repeat(20_000) } });
    let refused = app.request(Method::PATCH, &path).json(&large).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["errors"][0]["pointer"],
        "/attributes"
    );
    let tag = app.get(&path).await.headers()["etag"].to_str().unwrap().to_owned();
    let change = async |tags: &str, status: &str| {
        let request = app.request(Method::PATCH, &path).header("If-Match", tags);
        request
            .json(&json!({ "status": status }))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(change(&format!("W/{tag}"), "a").await, 412, "the comparison is strong");
    assert_eq!(change(&tag.replace('"', ""), "b").await, 412, "this is no tag");
    assert_eq!(change(&format!("\"other\", {tag}"), "c").await, 200);
    assert_eq!(change(&tag, "d").await, 412, "it has changed");
    assert_eq!(change("*", "e").await, 200);
    app.stop().await;
}
