//! Labels.

use crm::contract::Scope;
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use super::{conversation, posted, refused, told};
use crate::api::app::App;
use crate::cli::rig::Shell;

async fn put(app: &App, key: &str, path: &str) -> StatusCode {
    app.bare(Method::PUT, path)
        .bearer_auth(key)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn labels_are_created_put_on_and_filtered() {
    let app = App::start().await;
    let path = conversation(&app).await;
    let made = posted(&app, "/api/v1/labels", &json!({ "name": "VIP", "color": "#1a7f37" })).await;
    assert_eq!((&made["name"], &made["color"]), (&json!("VIP"), &json!("#1a7f37")));
    let agent = app.key_of(Scope::Send).await;
    // Whatever the case of the letters; twice is once.
    assert_eq!(put(&app, &agent, &format!("{path}/labels/vip")).await, 200);
    assert_eq!(put(&app, &agent, &format!("{path}/labels/VIP")).await, 200);
    // Only who may create labels does so by using one.
    assert_eq!(put(&app, &agent, &format!("{path}/labels/new")).await, 404);
    assert_eq!(
        put(&app, &app.key, &format!("{path}/labels/%F0%9F%94%A5%20hot")).await,
        200
    );
    let shown = app.json(&path).await;
    assert_eq!(shown["labels"], json!(["VIP", "🔥 hot"]));
    let list = app.json("/api/v1/conversations?label=vip").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let unknown = app.get("/api/v1/conversations?label=nothing").await;
    let (status, _, problem) = refused(unknown).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/label")));

    let off = app.request(Method::DELETE, &format!("{path}/labels/VIP"));
    assert_eq!(off.send().await.unwrap().status(), 200);
    assert_eq!(app.json(&path).await["labels"], json!(["🔥 hot"]));
    assert_eq!(told(&app, "label.").await, ["label.created", "label.created"]);
    assert_eq!(told(&app, "conversation.updated").await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn deleted_label_leaves_every_conversation() {
    let app = App::start().await;
    let mut paths = vec![];
    for number in 0..5 {
        let message = app.inbound("Ada", &format!("+44770090020{number}"), "hello").await;
        let path = format!("/api/v1/conversations/{}", message.conversation_id);
        assert_eq!(put(&app, &app.key, &format!("{path}/labels/old")).await, 200);
        paths.push(path);
    }
    let gone = app.request(Method::DELETE, "/api/v1/labels/old").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    for path in paths {
        assert_eq!(app.json(&path).await["labels"], json!([]));
    }
    assert_eq!(app.json("/api/v1/labels").await["data"], json!([]));
    let again = app.request(Method::DELETE, "/api/v1/labels/old").send().await.unwrap();
    assert_eq!(again.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn label_edits_are_checked_and_tagged() {
    let app = App::start().await;
    let made = app.post("/api/v1/labels", &json!({ "name": "vip" })).await;
    assert_eq!(made.headers()["location"], "/api/v1/labels/vip");
    let tag = app.get("/api/v1/labels/vip").await.headers()["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    let edit = |body: Value, tag: &str| {
        let request = app.request(Method::PATCH, "/api/v1/labels/vip");
        request.header("If-Match", tag.to_owned()).json(&body).send()
    };
    let changed = edit(json!({ "description": "Pays well" }), &tag).await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(
        edit(json!({ "color": "#000000" }), "\"0\"").await.unwrap().status(),
        412
    );
    let emptied = app
        .request(Method::PATCH, "/api/v1/labels/vip")
        .json(&json!({ "description": null }));
    let emptied: Value = emptied.send().await.unwrap().json().await.unwrap();
    assert_eq!(emptied["description"], Value::Null);
    for (body, status) in [
        (json!({ "name": "vip" }), 409),
        (json!({ "name": "VIP" }), 409),
        (json!({ "name": "" }), 422),
        (json!({ "name": "a/b" }), 422),
        (json!({ "name": "x", "color": "red" }), 422),
        (json!({ "name": "x".repeat(51) }), 422),
        (json!({ "name": "x", "size": 1 }), 422),
    ] {
        assert_eq!(app.post("/api/v1/labels", &body).await.status(), status, "{body}");
    }
    // In a path it is the path that is wrong.
    let (status, code, _) = refused(app.get("/api/v1/labels/a%2Cb").await).await;
    assert_eq!((status, code.as_str()), (400, "invalid_path"));
    app.stop().await;
}

#[tokio::test]
async fn repeated_creation_of_label_is_one() {
    let app = App::start().await;
    let create = || async {
        let request = app
            .request(Method::POST, "/api/v1/labels")
            .header("Idempotency-Key", "L1");
        request.json(&json!({ "name": "vip" })).send().await.unwrap()
    };
    let (first, second) = (create().await, create().await);
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
    app.stop().await;
}

async fn labels_of(app: &App, customer: i64) -> Value {
    app.json(&format!("/api/v1/customers/{customer}")).await["labels"].take()
}

async fn ids_with(app: &App, key: &str, query: &str) -> Vec<i64> {
    let path = format!("/api/v1/customers?{query}");
    let list = app.bare(Method::GET, &path).bearer_auth(key).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn customers_have_labels_of_same_list() {
    let mut app = App::start().await;
    for (name, phone) in [("Ada", "+447700900201"), ("Ben", "+447700900202")] {
        app.inbound(name, phone, "hello").await;
    }
    let agent = app.key_of(Scope::Send).await;
    let ada = "/api/v1/customers/1";
    assert_eq!(
        put(&app, &agent, &format!("{ada}/labels/vip")).await,
        404,
        "it creates none"
    );
    for _ in 0..2 {
        assert_eq!(put(&app, &app.key, &format!("{ada}/labels/VIP")).await, 200);
        assert_eq!(put(&app, &agent, &format!("{ada}/labels/vip")).await, 200);
    }
    assert_eq!(labels_of(&app, 1).await, json!(["VIP"]));
    assert_eq!(told(&app, "customer.updated").await.len(), 1);
    assert_eq!(told(&app, "label.").await, ["label.created"]);
    assert_eq!(ids_with(&app, &app.key, "label=vip").await, [1]);
    assert_eq!(ids_with(&app, &app.key, "label=vip&search=ben").await, [0_i64; 0]);
    assert_eq!(ids_with(&app, &app.key, "label=vip&account=default").await, [1]);
    let (status, _, problem) = refused(app.get("/api/v1/customers?label=nothing").await).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/label")));

    // A key of another account sees neither the customer nor the label on them.
    let other = posted(&app, "/api/v1/accounts", &json!({ "name": "other" })).await;
    let default = std::mem::replace(&mut app.account, crm::domain::AccountId(other["id"].as_i64().unwrap()));
    app.inbound("Ben", "+447700900202", "hello").await;
    app.account = default;
    let bound = json!({ "name": "bound", "scope": "send", "accounts": ["other"] });
    let bound = posted(&app, "/api/v1/keys", &bound).await["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(put(&app, &bound, &format!("{ada}/labels/vip")).await, 404);
    assert_eq!(put(&app, &bound, "/api/v1/customers/2/labels/vip").await, 200);
    assert_eq!(ids_with(&app, &bound, "label=vip").await, [2]);
    assert_eq!(ids_with(&app, &app.key, "label=vip").await, [1, 2]);

    // Who changes what they have seen learns that a label came meanwhile.
    let tag = app.get(ada).await.headers()["etag"].clone();
    let shell = Shell::of(&app);
    let changed = shell
        .ok(&["-o", "json", "customer", "label", "1", "+new", "-vip"])
        .await;
    assert_eq!(changed.json()["labels"], json!(["new"]));
    let listed = shell.ok(&["customer", "list", "--label", "new", "-q"]).await;
    assert_eq!(listed.out, "1\n");
    let late = app.request(Method::PATCH, ada).header("If-Match", tag);
    let late = late.json(&json!({ "name": "Countess" })).send().await.unwrap();
    assert_eq!(late.status(), 412);
    assert!(
        late.json::<Value>().await.unwrap()["detail"]
            .as_str()
            .unwrap()
            .contains("labels")
    );

    let deleted = app.request(Method::DELETE, "/api/v1/labels/vip");
    assert_eq!(deleted.send().await.unwrap().status(), 204);
    assert_eq!(labels_of(&app, 2).await, json!([]));
    app.stop().await;
}

/// Each label has a home: a merge joins them, and undoing it, in any order, gives them back.
#[tokio::test]
async fn labels_of_merged_customers_return_on_undo() {
    let app = App::start().await;
    for n in 1..=3 {
        app.inbound("Ada", &format!("+44770090020{n}"), "hello").await;
    }
    for (customer, label) in [(1, "a"), (1, "same"), (2, "b"), (2, "same"), (3, "c")] {
        let path = format!("/api/v1/customers/{customer}/labels/{label}");
        assert_eq!(put(&app, &app.key, &path).await, 200);
    }
    let merge = async |id: i64, with: i64| {
        let merge = posted(&app, &format!("/api/v1/customers/{id}/merge"), &json!({ "with": with })).await;
        format!("/api/v1/merges/{}/undo", merge["id"])
    };
    let one = merge(1, 2).await;
    assert_eq!(labels_of(&app, 1).await, json!(["a", "b", "same"]));
    let two = merge(3, 1).await;
    assert_eq!(labels_of(&app, 3).await, json!(["a", "b", "c", "same"]));
    assert_eq!(ids_with(&app, &app.key, "label=b").await, [3]);
    // What is put on and taken off meanwhile is done to the one who goes on.
    assert_eq!(put(&app, &app.key, "/api/v1/customers/3/labels/late").await, 200);
    let off = app.request(Method::DELETE, "/api/v1/customers/3/labels/a");
    assert_eq!(off.send().await.unwrap().status(), 200);
    posted(&app, &one, &json!({})).await;
    assert_eq!(labels_of(&app, 2).await, json!(["b", "same"]));
    assert_eq!(labels_of(&app, 3).await, json!(["c", "late", "same"]));
    posted(&app, &two, &json!({})).await;
    assert_eq!(labels_of(&app, 1).await, json!(["same"]));
    assert_eq!(labels_of(&app, 3).await, json!(["c", "late"]));
    app.stop().await;
}

/// Else a colleague's change would be refused for nothing, and no follower would know the new tag.
#[tokio::test]
async fn edit_that_changes_nothing_keeps_tag() {
    let app = App::start().await;
    let file = app.folder.path().join("crm.db");
    let database = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    for (path, name, body) in [
        ("labels", "vip", json!({ "name": "vip", "description": "Pays" })),
        ("templates", "hi", json!({ "name": "hi", "body": "hello" })),
        (
            "attributes",
            "plan",
            json!({ "name": "plan", "kind": "text", "description": "Paid" }),
        ),
        ("agents", "1", json!({ "name": "Ada" })),
    ] {
        posted(&app, &format!("/api/v1/{path}"), &body).await;
        let place = format!("/api/v1/{path}/{name}");
        // The clock stands still here; a change would be later than that.
        database
            .execute_unprepared("UPDATE labels SET updated_at = 1")
            .await
            .unwrap();
        let before = app.get(&place).await;
        let (tag, shown) = (before.headers()["etag"].clone(), before.json::<Value>().await.unwrap());
        let mut same = body.clone();
        if matches!(path, "labels" | "attributes") {
            same.as_object_mut().unwrap().retain(|field, _| field == "description");
        }
        for edit in [same, json!({})] {
            let edited = app.request(Method::PATCH, &place).json(&edit).send().await.unwrap();
            assert_eq!(
                (edited.status().as_u16(), &edited.headers()["etag"]),
                (200, &tag),
                "{path} {edit}"
            );
            assert_eq!(edited.json::<Value>().await.unwrap(), shown, "{path} {edit}");
        }
    }
    database.close().await.unwrap();
    assert!(told(&app, "").await.iter().all(|kind| !kind.ends_with("updated")));
    app.stop().await;
}
