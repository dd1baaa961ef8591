//! The one table of rights, through every route.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crm::api::ROUTES;
use crm::contract::Scope;
use crm::domain::{Operation, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::app::{App, NOW};

/// Callers of the table, with their keys.
async fn callers(app: &App) -> Vec<(&'static str, Option<String>)> {
    let key = async |wanted: Value| {
        let made: Value = app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
        (made["key"].as_str().unwrap().to_owned(), made["id"].clone())
    };
    let mut callers = vec![("none", None)];
    let short = crm::contract::CreateKey {
        name: "expired".to_owned(),
        scope: Scope::Admin,
        expires_at: Some(Timestamp(NOW.0 - 1)),
        accounts: None,
        agent_id: None,
    };
    let expired = crm::api::keys::make(&app.store, short).await.unwrap().key;
    callers.push(("expired", Some(expired)));
    let (revoked, id) = key(json!({ "name": "revoked", "scope": "admin" })).await;
    app.post(&format!("/api/v1/keys/{id}/revoke"), &json!({})).await;
    callers.push(("revoked", Some(revoked)));
    for scope in ["read", "send", "manage", "admin"] {
        callers.push((scope, Some(key(json!({ "name": scope, "scope": scope })).await.0)));
    }
    let bound = key(json!({ "name": "bound", "scope": "admin", "accounts": ["other"] }))
        .await
        .0;
    callers.push(("bound", Some(bound)));
    for (role, name) in [("agent", "a:agent"), ("manager", "a:manager"), ("admin", "a:admin")] {
        let agent: Value = app
            .post("/api/v1/agents", &json!({ "name": role, "role": role }))
            .await
            .json()
            .await
            .unwrap();
        let wanted = json!({ "name": role, "scope": "admin", "agent_id": agent["id"] });
        callers.push((name, Some(key(wanted).await.0)));
    }
    callers
}

/// Fills the places of a route with what there is.
fn path(route: &str, victim: &Value) -> String {
    let name = if route.starts_with("/tables") {
        "customers"
    } else {
        "default"
    };
    let id = if route.starts_with("/api/v1/keys") {
        victim.to_string()
    } else {
        "1".to_owned()
    };
    route
        .replace("{name}", name)
        .replace("{customer_id}", "1")
        .replace("{id}", &id)
}

/// Shows who may do what, as one table. `ok`: the handler answered, whatever it had to say.
#[tokio::test]
async fn every_route_asks_the_table_of_rights() {
    let app = App::start().await;
    app.post("/api/v1/accounts", &json!({ "name": "other" })).await;
    for (name, phone) in [("Ada", "+447700900101"), ("Ben", "+447700900102")] {
        app.inbound(name, phone, "hello").await;
    }
    app.post("/api/v1/customers/1/merge", &json!({ "with": 2 })).await;
    let upload = app.request(Method::POST, "/api/v1/media").body(vec![1, 2, 3]);
    assert_eq!(upload.send().await.unwrap().status(), 201);
    let victim: Value = app
        .post("/api/v1/keys", &json!({ "name": "victim", "scope": "read" }))
        .await
        .json()
        .await
        .unwrap();
    let callers = callers(&app).await;
    let document = crm::api::openapi::document();
    let mut table = String::new();
    let names: Vec<_> = callers.iter().map(|(name, _)| format!("{name:>9}")).collect();
    writeln!(table, "{:6} {:38} {:22} {}", "", "", "", names.join(" ")).unwrap();
    // What ends something comes last.
    let ends = |(method, route, _): &(Method, &str, Operation)| *method == Method::DELETE && route.contains("accounts");
    let (last, first): (Vec<_>, Vec<_>) = ROUTES.iter().partition(|route| ends(route));
    for (method, route, operation) in first.into_iter().chain(last) {
        let path = path(route, &victim["id"]);
        let described = &document["paths"][*route][method.as_str().to_ascii_lowercase()];
        let takes_body = described["requestBody"].is_object();
        let mut line = format!("{:6} {route:38} {operation:22}", method.as_str());
        for (name, key) in &callers {
            let mut request = app.bare(method.clone(), &path);
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            if takes_body {
                request = request.json(&json!({ "unknown": true }));
            }
            let answer = request.send().await.unwrap();
            let word = match answer.status().as_u16() {
                status @ (401 | 404) => status.to_string(),
                403 => answer.json::<Value>().await.unwrap()["code"].as_str().unwrap()[..5].to_owned(),
                _ => "ok".to_owned(),
            };
            let scope = name.parse::<Scope>().ok();
            if let Some(scope) = scope {
                assert_eq!(word == "scope", scope < operation.scope(), "{line} {name}: {word}");
            }
            write!(line, " {word:>9}").unwrap();
        }
        writeln!(table, "{line}").unwrap();
    }
    insta::assert_snapshot!(table);
    app.stop().await;
}

/// Each operation is named once, and can be done through some route.
#[test]
fn every_operation_has_name_and_route() {
    let used: BTreeSet<Operation> = ROUTES.iter().map(|(_, _, operation)| *operation).collect();
    assert_eq!(used, Operation::ALL.iter().copied().collect());
    let names: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
    assert_eq!(names.len(), Operation::ALL.len());
    let routes: BTreeSet<(&str, &str)> = ROUTES
        .iter()
        .map(|(method, path, _)| (method.as_str(), *path))
        .collect();
    assert_eq!(routes.len(), ROUTES.len());
}
