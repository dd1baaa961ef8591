//! Agents: added, changed and deactivated, each once and told.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;

async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

impl App {
    async fn patch(&self, path: &str, body: &Value) -> Response {
        self.request(Method::PATCH, path).json(body).send().await.unwrap()
    }

    /// The data of all events of a type.
    pub async fn told(&self, kind: &str) -> Vec<Value> {
        let rows = self.store.journal().after(crm::domain::Seq(0), 1000).await.unwrap();
        let rows = rows.into_iter().filter(|event| event.kind.as_str() == kind);
        rows.map(|event| event.data.parse().unwrap()).collect()
    }
}

#[tokio::test]
async fn agent_is_created_once_and_told() {
    let app = App::start().await;
    let create = |key: &'static str, body: Value| {
        let request = app.request(Method::POST, "/api/v1/agents");
        request.header("Idempotency-Key", key).json(&body).send()
    };
    let ada = json!({ "name": "Ada", "matrix_user": "@ada:example.org", "role": "manager", "accounts": ["default"] });
    let first = create("one", ada.clone()).await.unwrap();
    assert_eq!(first.status(), 201);
    assert_eq!(first.headers()["location"], "/api/v1/agents/1");
    let first = first.text().await.unwrap();
    let again = create("one", ada).await.unwrap();
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["location"], "/api/v1/agents/1");
    assert_eq!(again.text().await.unwrap(), first, "byte for byte");
    let other = create("one", json!({ "name": "Ben" })).await.unwrap();
    assert_eq!(other.status(), 422);

    let agent: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(agent["accounts"], json!([app.account]));
    assert_eq!((&agent["role"], &agent["active"]), (&json!("manager"), &json!(true)));
    assert_eq!(app.told("agent.created").await, std::slice::from_ref(&agent));
    assert_eq!(app.json("/api/v1/agents").await["data"], json!([agent]));
    assert_eq!(app.json("/api/v1/agents/1").await, agent);
    assert_eq!(app.get("/api/v1/agents/9").await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn bad_agent_is_refused_with_pointer() {
    let app = App::start().await;
    for (bad, pointer) in [
        (json!({ "name": " " }), "/name"),
        (json!({ "name": "a\u{202e}b" }), "/name"),
        (json!({ "name": "x".repeat(101) }), "/name"),
        (json!({ "name": "Ada", "role": "king" }), "/role"),
        (json!({ "name": "Ada", "matrix_user": "ada" }), "/matrix_user"),
        (
            json!({ "name": "Ada", "accounts": ["default", "nowhere"] }),
            "/accounts/1",
        ),
        (json!({ "name": "Ada", "accounts": [99] }), "/accounts/0"),
    ] {
        let answer = app.post("/api/v1/agents", &bad).await;
        assert_eq!(answer.status(), 422, "{bad}");
        let problem = body(answer).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let unknown = app.post("/api/v1/agents", &json!({ "name": "Ada", "age": 3 })).await;
    assert_eq!(unknown.status(), 422);
    assert!(app.told("agent.created").await.is_empty());
    app.stop().await;
}

/// Two that read the same are one to colleagues; a former agent's name is free.
#[tokio::test]
async fn agent_name_is_unique_while_active() {
    let app = App::start().await;
    assert_eq!(
        app.post("/api/v1/agents", &json!({ "name": "Ada" })).await.status(),
        201
    );
    for same in ["Ada", " aDa "] {
        assert_eq!(app.post("/api/v1/agents", &json!({ "name": same })).await.status(), 409);
    }
    assert_eq!(
        app.patch("/api/v1/agents/1", &json!({ "active": false }))
            .await
            .status(),
        200
    );
    assert_eq!(
        app.post("/api/v1/agents", &json!({ "name": "ada" })).await.status(),
        201
    );
    assert_eq!(
        app.patch("/api/v1/agents/1", &json!({ "active": true })).await.status(),
        409
    );
    let both = json!({ "active": true, "name": "Ada L." });
    assert_eq!(app.patch("/api/v1/agents/1", &both).await.status(), 200);
    assert_eq!(
        app.patch("/api/v1/agents/1", &json!({ "name": "ADA" })).await.status(),
        409
    );
    // At the same time, one of them.
    let new = json!({ "name": "Ben" });
    let answers = futures_util::future::join_all((0..8).map(|_| app.post("/api/v1/agents", &new))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
    let user = json!({ "name": "Cid", "matrix_user": "@cid:x" });
    assert_eq!(app.post("/api/v1/agents", &user).await.status(), 201);
    let user = json!({ "name": "Dan", "matrix_user": "@cid:x" });
    assert_eq!(app.post("/api/v1/agents", &user).await.status(), 409);
    app.stop().await;
}

#[tokio::test]
async fn change_of_agent_needs_present_revision() {
    let app = App::start().await;
    let new = json!({ "name": "Ada", "matrix_user": "@ada:x", "accounts": [app.account] });
    app.post("/api/v1/agents", &new).await;
    let tag = app.get("/api/v1/agents/1").await.headers()["etag"].clone();
    let edit = |body: Value| {
        let request = app.request(Method::PATCH, "/api/v1/agents/1").header("If-Match", &tag);
        request.json(&body).send()
    };
    let changed = edit(json!({ "role": "admin", "matrix_user": null, "accounts": null }))
        .await
        .unwrap();
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["etag"], tag);
    let changed = body(changed).await;
    assert_eq!(
        (
            &changed["role"],
            &changed["matrix_user"],
            &changed["accounts"],
            &changed["name"]
        ),
        (&json!("admin"), &Value::Null, &Value::Null, &json!("Ada"))
    );
    let late = edit(json!({ "name": "Ben" })).await.unwrap();
    assert_eq!(late.status(), 412);
    let why = body(late).await["detail"].to_string();
    assert!(why.contains("matrix_user, role, accounts"), "{why}");
    // Nothing changes, and nothing is told.
    assert_eq!(
        app.patch("/api/v1/agents/1", &json!({ "role": "admin" }))
            .await
            .status(),
        200
    );
    assert_eq!(app.told("agent.updated").await, [changed]);
    for bad in [json!({ "name": null }), json!({ "active": null })] {
        assert_eq!(app.patch("/api/v1/agents/1", &bad).await.status(), 422, "{bad}");
    }
    let off = body(app.patch("/api/v1/agents/1", &json!({ "active": false })).await).await;
    assert_eq!(
        (&off["active"], &off["deactivated_by"]),
        (&json!(false), &json!("person"))
    );
    let active = app.json("/api/v1/agents?active=true").await;
    assert_eq!(active["data"], json!([]));
    app.stop().await;
}
