//! Typed attributes of customers, by REST and by the shell.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{posted, refused, told};
use crate::api::app::App;
use crate::cli::rig::Shell;

const PLAN: &str = "/api/v1/attributes/plan";

async fn with(app: &App, method: Method, tag: &str, body: &Value) -> reqwest::Response {
    let request = app.request(method, PLAN).header("If-Match", tag);
    request.json(body).send().await.unwrap()
}

async fn set(app: &App, attributes: &Value) -> reqwest::Response {
    let request = app.request(Method::PATCH, "/api/v1/customers/1");
    request.json(&json!({ "attributes": attributes })).send().await.unwrap()
}

async fn stored(app: &App) -> Value {
    app.json("/api/v1/customers/1").await["attributes"].take()
}

fn plan() -> Value {
    json!({ "name": "plan", "kind": "choice", "choices": ["free", "pro"] })
}

#[tokio::test]
async fn definitions_are_created_changed_and_deleted() {
    let app = App::start().await;
    let create = async || {
        let request = app.request(Method::POST, "/api/v1/attributes");
        let request = request.header("Idempotency-Key", "A1").json(&plan());
        request.send().await.unwrap()
    };
    let (first, second) = (create().await, create().await);
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(first.headers()["location"], PLAN);
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
    posted(&app, "/api/v1/attributes", &json!({ "name": "born", "kind": "date" })).await;
    let list = app.json("/api/v1/attributes").await;
    let names: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|known| &known["name"])
        .collect();
    assert_eq!(names, ["born", "plan"]);

    let seen = app.get(PLAN).await;
    assert_eq!(seen.headers()["etag"], "\"1\"");
    let changed = with(
        &app,
        Method::PATCH,
        "\"1\"",
        &json!({ "choices": ["free", "pro", "team"], "description": "x" }),
    )
    .await;
    assert_eq!(changed.headers()["etag"], "\"2\"");
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(
        (&changed["choices"], &changed["description"]),
        (&json!(["free", "pro", "team"]), &json!("x"))
    );
    // The same again is no change.
    let same = with(&app, Method::PATCH, "\"2\"", &json!({ "description": "x" })).await;
    assert_eq!(same.headers()["etag"], "\"2\"");
    for method in [Method::PATCH, Method::DELETE] {
        assert_eq!(with(&app, method, "\"1\"", &json!({})).await.status(), 412);
    }
    assert_eq!(with(&app, Method::DELETE, "\"2\"", &json!({})).await.status(), 204);
    assert_eq!(app.get(PLAN).await.status(), 404);
    assert_eq!(
        told(&app, "attribute.").await,
        [
            "attribute.created",
            "attribute.created",
            "attribute.updated",
            "attribute.deleted"
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn wrong_definition_is_refused() {
    let app = App::start().await;
    posted(&app, "/api/v1/attributes", &plan()).await;
    for (body, status, pointer) in [
        (plan(), 409, None),
        (json!({ "name": "a b", "kind": "text" }), 422, Some("/name")),
        (json!({ "name": "", "kind": "text" }), 422, Some("/name")),
        (json!({ "name": "a", "kind": "choice" }), 422, Some("/choices")),
        (
            json!({ "name": "a", "kind": "choice", "choices": ["x", "x"] }),
            422,
            Some("/choices"),
        ),
        (
            json!({ "name": "a", "kind": "text", "choices": ["x"] }),
            422,
            Some("/choices"),
        ),
        (
            json!({ "name": "a", "kind": "text", "description": "x".repeat(501) }),
            422,
            Some("/description"),
        ),
        (json!({ "name": "a", "kind": "colour" }), 422, None),
        (json!({ "name": "a" }), 422, None),
    ] {
        let (found, _, problem) = refused(app.post("/api/v1/attributes", &body).await).await;
        assert_eq!(found, status, "{body}");
        if let Some(pointer) = pointer {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    // Name and kind are fixed.
    for body in [
        json!({ "kind": "text" }),
        json!({ "name": "tariff" }),
        json!({ "choices": [] }),
    ] {
        let request = app.request(Method::PATCH, PLAN).json(&body);
        assert_eq!(request.send().await.unwrap().status(), 422, "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn defined_attribute_takes_its_kind_alone() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    assert_eq!(set(&app, &json!({ "plan": 7, "free": [1] })).await.status(), 200);
    for definition in [
        plan(),
        json!({ "name": "age", "kind": "number" }),
        json!({ "name": "vip", "kind": "boolean" }),
        json!({ "name": "born", "kind": "date" }),
        json!({ "name": "site", "kind": "url" }),
        json!({ "name": "city", "kind": "text" }),
    ] {
        posted(&app, "/api/v1/attributes", &definition).await;
    }
    let all = json!({ "plan": "pro", "age": 36, "vip": true, "born": "1815-12-10", "site": "https://example.org",
        "city": "London", "free": { "any": ["thing"] } });
    assert_eq!(set(&app, &all).await.status(), 200);
    for (name, value) in [
        ("plan", json!("gold")),
        ("age", json!("36")),
        ("vip", json!("yes")),
        ("born", json!("10.12.1815")),
        ("site", json!("example.org")),
        ("city", json!(1)),
    ] {
        let mut wrong = all.clone();
        wrong[name] = value;
        let (status, code, problem) = refused(set(&app, &wrong).await).await;
        assert_eq!((status, code.as_str()), (422, "invalid_body"), "{name}");
        assert_eq!(problem["errors"][0]["pointer"], format!("/attributes/{name}"));
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("`{name}` takes ")), "{detail}");
    }
    assert_eq!(stored(&app).await, all, "what was refused changed nothing");
    let new = json!({ "phone": "+447700900155", "attributes": { "plan": "gold" } });
    let (status, _, problem) = refused(app.post("/api/v1/customers", &new).await).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/attributes/plan"))
    );
    let list = app.json("/api/v1/customers").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "nobody is created halfway");
    assert_eq!(set(&app, &json!({ "plan": null, "age": null })).await.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn change_of_definition_leaves_stored_values() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    posted(&app, "/api/v1/attributes", &plan()).await;
    assert_eq!(set(&app, &json!({ "plan": "pro" })).await.status(), 200);
    let fewer = app.request(Method::PATCH, PLAN).json(&json!({ "choices": ["free"] }));
    assert_eq!(fewer.send().await.unwrap().status(), 200);
    assert_eq!(stored(&app).await, json!({ "plan": "pro" }));
    // What was there may stay when another attribute changes, and cannot come back once it is gone.
    assert_eq!(set(&app, &json!({ "plan": "pro", "note": 1 })).await.status(), 200);
    assert_eq!(set(&app, &json!({ "plan": "free" })).await.status(), 200);
    assert_eq!(set(&app, &json!({ "plan": "pro" })).await.status(), 422);
    let gone = app.request(Method::DELETE, PLAN).send().await.unwrap();
    assert_eq!(
        (gone.status(), stored(&app).await),
        (StatusCode::NO_CONTENT, json!({ "plan": "free" }))
    );
    assert_eq!(set(&app, &json!({ "plan": ["any", "thing"] })).await.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn template_shows_typed_attributes() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    for (name, kind) in [
        ("home-city", "text"),
        ("age", "number"),
        ("born", "date"),
        ("vip", "boolean"),
    ] {
        posted(&app, "/api/v1/attributes", &json!({ "name": name, "kind": kind })).await;
    }
    set(
        &app,
        &json!({ "home-city": "Åre", "age": 36.5, "born": "1815-12-10", "vip": true }),
    )
    .await;
    let body = "{{ customer.attributes[\"home-city\"] }} {{ customer.attributes.age }} {{ customer.attributes.born }} \
                {% if customer.attributes.vip %}{{ customer.attributes.vip }}{% endif %}";
    posted(&app, "/api/v1/templates", &json!({ "name": "facts", "body": body })).await;
    let shown = posted(&app, "/api/v1/templates/facts/render", &json!({ "customer_id": 1 })).await;
    assert_eq!(shown["content"], "Åre 36.5 1815-12-10 True");
    app.stop().await;
}

#[tokio::test]
async fn shell_defines_sets_and_shows_attributes() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    shell
        .ok(&["attribute", "create", "plan", "--choice", "free", "--choice", "pro"])
        .await;
    shell
        .ok(&[
            "attribute",
            "create",
            "age",
            "--kind",
            "number",
            "--description",
            "In years",
        ])
        .await;
    shell
        .ok(&[
            "attribute",
            "edit",
            "plan",
            "--choice",
            "free",
            "--choice",
            "pro",
            "--choice",
            "team",
        ])
        .await;
    let list = shell.ok(&["attribute", "list", "-o", "json"]).await.json();
    assert_eq!(
        (&list[0]["kind"], &list[1]["choices"]),
        (&json!("number"), &json!(["free", "pro", "team"]))
    );
    let edit = [
        "customer",
        "edit",
        "1",
        "--set",
        "plan=team",
        "--set",
        "age=36",
        "--set",
        "code=\"7\"",
        "--set",
        "x=a=b",
    ];
    shell.ok(&edit).await;
    assert_eq!(
        stored(&app).await,
        json!({ "plan": "team", "age": 36, "code": "7", "x": "a=b" })
    );
    let both = [
        "customer", "edit", "1", "--name", "Ada L.", "--status", "lead", "--unset", "x", "--set", "n=5", "-o", "json",
    ];
    let edited = shell.ok(&both).await.json();
    assert_eq!(
        (&edited["name"], &edited["status"], &edited["attributes"]),
        (
            &json!("Ada L."),
            &json!("lead"),
            &json!({ "plan": "team", "age": 36, "code": "7", "n": 5 })
        )
    );
    let viewed = shell.ok(&["customer", "view", "1"]).await.out;
    assert!(viewed.contains("Attributes") && viewed.contains("team"), "{viewed}");
    assert!(!viewed.contains('{'), "{viewed}");
    for (value, says) in [("plan=gold", "one of: free, pro, team"), ("age=old", "a number")] {
        let refused = shell.run(&["customer", "edit", "1", "--set", value]).await;
        assert_eq!(refused.code, Some(2), "{value}");
        assert!(refused.err.contains(says), "{}", refused.err);
    }
    assert_eq!(
        shell.run(&["customer", "edit", "1", "--set", "plan"]).await.code,
        Some(2)
    );
    assert_eq!(
        shell.run(&["customer", "edit", "9", "--set", "a=1"]).await.code,
        Some(3)
    );
    shell.ok(&["attribute", "delete", "plan"]).await;
    assert_eq!(shell.run(&["attribute", "view", "plan"]).await.code, Some(3));
    app.stop().await;
}
