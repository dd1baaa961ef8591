//! Templates by REST.

use crm::domain::Seq;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;

pub const TO: &str = "+447700900123";
pub const TEMPLATES: &str = "/api/v1/templates";

pub async fn told(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

pub async fn post(app: &App, path: &str, body: &Value) -> (u16, Value) {
    told(app.post(path, body).await).await
}

pub async fn patch(app: &App, name: &str, tag: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = app.request(Method::PATCH, &format!("{TEMPLATES}/{name}")).json(body);
    if let Some(tag) = tag {
        request = request.header("If-Match", tag);
    }
    told(request.send().await.unwrap()).await
}

async fn tag(app: &App, name: &str) -> String {
    let answer = app.get(&format!("{TEMPLATES}/{name}")).await;
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

/// Creates the template that most tests use.
pub async fn welcome(app: &App) -> Value {
    let body = json!({
        "name": "welcome",
        "description": "for new customers",
        "body": "Hi {{ customer.first_name | default('there') }}, order {{ fields.order }} is {{ fields.state }}.\n{{ agent.name }}",
        "fields": [
            { "name": "order", "label": "Order number" },
            { "name": "state", "required": false, "default": "packed" },
        ],
    });
    let (status, template) = post(app, TEMPLATES, &body).await;
    assert_eq!(status, 201, "{template}");
    template
}

pub fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"]
        .as_str()
        .unwrap_or_else(|| panic!("{problem}"))
}

/// The events of templates, the oldest first: type and name.
async fn events(app: &App) -> Vec<(String, String)> {
    let events = app.store.journal().after(Seq(0), 1000).await.unwrap();
    let of_templates = events
        .into_iter()
        .filter(|event| event.kind.as_str().starts_with("template."));
    let told = of_templates.map(|event| {
        let data: Value = event.data.parse().unwrap();
        (event.kind.to_string(), data["name"].as_str().unwrap().to_owned())
    });
    told.collect()
}

#[tokio::test]
async fn template_is_created_changed_and_deleted() {
    let app = App::start().await;
    let created = welcome(&app).await;
    assert_eq!(app.json(&format!("{TEMPLATES}/welcome")).await, created);
    assert_eq!(created["fields"][0]["required"], true);
    assert_eq!(
        (&created["revision"], &created["created_by"]),
        (&json!(1), &json!("admin key"))
    );
    let list = app.json(TEMPLATES).await;
    assert_eq!((&list["data"][0], &list["has_more"]), (&created, &json!(false)));

    let (status, taken) = post(&app, TEMPLATES, &json!({ "name": "welcome", "body": "a" })).await;
    assert_eq!((status, &taken["code"]), (409, &json!("conflict")));
    let first = tag(&app, "welcome").await;
    let (status, changed) = patch(&app, "welcome", Some(&first), &json!({ "description": null })).await;
    assert_eq!(
        (status, &changed["description"], &changed["revision"]),
        (200, &Value::Null, &json!(2))
    );
    assert_eq!(changed["body"], created["body"]);
    // The same change again is none.
    let (_, same) = patch(&app, "welcome", None, &json!({ "description": null })).await;
    assert_eq!(same["revision"], 2);
    let (status, problem) = patch(&app, "welcome", Some(&first), &json!({ "body": "mine" })).await;
    assert_eq!((status, &problem["code"]), (412, &json!("precondition_failed")));
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("admin key made revision 2"),
        "{problem}"
    );
    let (status, renamed) = patch(&app, "welcome", None, &json!({ "name": "Grüße 1" })).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("Grüße 1")));
    assert_eq!(app.get(&format!("{TEMPLATES}/welcome")).await.status(), 404);

    let place = format!("{TEMPLATES}/Gr%C3%BC%C3%9Fe%201");
    let stale = app
        .request(Method::DELETE, &place)
        .header("If-Match", &first)
        .send()
        .await
        .unwrap();
    assert_eq!(stale.status(), 412);
    assert_eq!(app.request(Method::DELETE, &place).send().await.unwrap().status(), 204);
    assert_eq!(app.request(Method::DELETE, &place).send().await.unwrap().status(), 404);
    // What takes the name of a deleted one is another.
    welcome(&app).await;
    let (status, _) = patch(&app, "welcome", Some(&first), &json!({ "body": "mine" })).await;
    assert_eq!(status, 412);
    let kinds: Vec<_> = events(&app).await;
    let told = |kind: &str, name: &str| (format!("template.{kind}"), name.to_owned());
    assert_eq!(
        kinds,
        [
            told("created", "welcome"),
            told("updated", "welcome"),
            told("updated", "Grüße 1"),
            told("deleted", "Grüße 1"),
            told("created", "welcome"),
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn creation_under_same_key_is_one_template() {
    let app = App::start().await;
    let create = |body: Value| {
        let request = app.request(Method::POST, TEMPLATES).header("Idempotency-Key", "t1");
        async move { request.json(&body).send().await.unwrap() }
    };
    let first = create(json!({ "name": "a b", "body": "x" })).await;
    assert_eq!(first.headers()["location"], "/api/v1/templates/a%20b");
    let again = create(json!({ "name": "a b", "body": "x" })).await;
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotent-replayed"]),
        (201, &"true".parse().unwrap())
    );
    assert_eq!(again.headers()["location"], "/api/v1/templates/a%20b");
    assert_eq!(told(first).await, told(again).await);
    let (status, problem) = told(create(json!({ "name": "a c", "body": "x" })).await).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_mismatch")));
    assert_eq!(app.json(TEMPLATES).await["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn wrong_template_is_refused_with_pointer() {
    let app = App::start().await;
    welcome(&app).await;
    for (body, at) in [
        (json!({ "name": "a", "body": "Hi\n{{ customer.nmae }}" }), "/body"),
        (json!({ "name": "a", "body": "{{ fields.order }}" }), "/body"),
        (json!({ "name": "a", "body": "{% include 'welcome' %}" }), "/body"),
        (json!({ "name": "a", "body": " " }), "/body"),
        (json!({ "name": "a" }), "/body"),
        (json!({ "name": "a/b", "body": "x" }), "/name"),
        (json!({ "name": "a", "body": "x", "description": "" }), "/description"),
        (
            json!({ "name": "a", "body": "x", "fields": [{ "name": "Ä" }] }),
            "/fields/0/name",
        ),
        (
            json!({ "name": "a", "body": "x", "fields": [{ "name": "a", "colour": 1 }] }),
            "/fields/0/colour",
        ),
        (json!({ "name": "a", "body": "x", "media": { "id": 99 } }), "/media/id"),
        (json!({ "name": "a", "body": "x", "colour": 1 }), "/colour"),
        (json!({ "name": "a", "body": 7 }), "/body"),
    ] {
        let (status, problem) = post(&app, TEMPLATES, &body).await;
        assert_eq!((status, pointer(&problem)), (422, at), "{body} {problem}");
    }
    let (_, problem) = post(
        &app,
        TEMPLATES,
        &json!({ "name": "a", "body": "Hi\n{{ customer.nmae }}" }),
    )
    .await;
    assert!(problem["detail"].as_str().unwrap().starts_with("line 2: "), "{problem}");
    let (status, problem) = patch(&app, "welcome", None, &json!({ "fields": [] })).await;
    assert_eq!((status, pointer(&problem)), (422, "/body"), "the text still names them");
    assert_eq!(app.get(&format!("{TEMPLATES}?colour=red")).await.status(), 400);
    let long = json!({ "name": "a", "body": "x".repeat(2 << 20) });
    assert_eq!(post(&app, TEMPLATES, &long).await.0, 413);
    app.stop().await;
}

#[tokio::test]
async fn template_is_rendered_and_sent() {
    let app = App::start().await;
    welcome(&app).await;
    let inbound = app.inbound("{{ 7*7 }} Ada", TO, "hello").await;
    let (customer, conversation) = (inbound.customer_id.unwrap(), inbound.conversation_id);
    let text = "Hi {{, order 17 is packed.\nadmin key";
    for whom in [
        json!({ "customer_id": customer }),
        json!({ "conversation_id": conversation }),
    ] {
        let mut body = whom.clone();
        body["fields"] = json!({ "order": "17" });
        let rendered = post(&app, "/api/v1/templates/welcome/render", &body).await;
        assert_eq!(rendered, (200, json!({ "content": text, "media": null })), "{whom}");
        let sent = json!({ "name": "welcome", "fields": { "order": "17" } });
        let mut body = whom;
        body["template"] = sent;
        let (status, message) = post(&app, "/api/v1/messages", &body).await;
        assert_eq!(
            (status, &message["content"], &message["kind"]),
            (202, &json!(text), &json!("text"))
        );
        assert_eq!(message["conversation_id"], json!(conversation));
    }
    // To somebody new, who has no name yet.
    let new = json!({ "to": "+447700900124", "template": { "name": "welcome", "fields": { "order": "{{ 1 }}" } } });
    let (status, message) = post(&app, "/api/v1/messages", &new).await;
    assert_eq!(
        (status, &message["content"]),
        (202, &json!("Hi there, order {{ 1 }} is packed.\nadmin key"))
    );
    // What was sent stays when the template goes.
    let gone = app
        .request(Method::DELETE, "/api/v1/templates/welcome")
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    let kept = app.json(&format!("/api/v1/messages/{}", message["id"])).await;
    assert_eq!(kept["content"], message["content"]);
    assert_eq!(post(&app, "/api/v1/messages", &new).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn wrong_use_of_template_sends_nothing() {
    let app = App::start().await;
    welcome(&app).await;
    let city = json!({ "name": "city", "body": "{{ customer.attributes.city }}" });
    assert_eq!(post(&app, TEMPLATES, &city).await.0, 201);
    let maybe = json!({ "name": "maybe", "body": "{% if fields.a %}a{% endif %}", "fields": [{ "name": "a", "required": false }] });
    assert_eq!(post(&app, TEMPLATES, &maybe).await.0, 201);
    let inbound = app.inbound("Ada", TO, "hello").await;
    let conversation = inbound.conversation_id;
    let send = |template: Value, more: &[(&str, Value)]| {
        let mut body = json!({ "conversation_id": conversation, "template": template });
        for (name, value) in more {
            body[name] = value.clone();
        }
        body
    };
    let filled = json!({ "name": "welcome", "fields": { "order": "1" } });
    let place = json!({ "latitude": 1, "longitude": 1 });
    for (body, status, code, at) in [
        (
            send(json!({ "name": "welcome" }), &[]),
            422,
            "invalid_body",
            "/template/fields/order",
        ),
        (
            send(json!({ "name": "welcome", "fields": { "order": " " } }), &[]),
            422,
            "invalid_body",
            "/template/fields/order",
        ),
        (
            send(
                json!({ "name": "welcome", "fields": { "order": "1", "colour": "red" } }),
                &[],
            ),
            422,
            "invalid_body",
            "/template/fields/colour",
        ),
        (
            send(json!({ "name": "welcome", "fields": { "order": 1 } }), &[]),
            422,
            "invalid_body",
            "/template/fields/order",
        ),
        (
            send(json!({ "name": "welcome", "colour": 1 }), &[]),
            422,
            "invalid_body",
            "/template/colour",
        ),
        (send(json!({ "name": "city" }), &[]), 422, "invalid_body", "/template"),
        (send(json!({ "name": "maybe" }), &[]), 422, "empty_text", "/template"),
        (
            send(filled.clone(), &[("content", json!("x"))]),
            422,
            "invalid_body",
            "/template",
        ),
        (
            send(filled.clone(), &[("media", json!({ "id": 1 }))]),
            422,
            "invalid_body",
            "/template",
        ),
        (
            send(filled.clone(), &[("location", place)]),
            422,
            "invalid_body",
            "/template",
        ),
    ] {
        let (found, problem) = post(&app, "/api/v1/messages", &body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{body} {problem}");
        assert_eq!(pointer(&problem), at, "{body} {problem}");
    }
    let (status, problem) = post(&app, "/api/v1/messages", &send(json!({ "name": "none" }), &[])).await;
    assert_eq!((status, &problem["detail"]), (404, &json!("there is no template none")));
    // A refused send to a new number leaves no customer.
    let new = json!({ "to": "+447700900199", "template": { "name": "city" } });
    let (status, problem) = post(&app, "/api/v1/messages", &new).await;
    assert_eq!(status, 422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("`customer.attributes.city` has no value"),
        "{problem}"
    );
    assert_eq!(app.json("/api/v1/customers").await["data"].as_array().unwrap().len(), 1);
    let messages = app
        .json(&format!("/api/v1/conversations/{conversation}/messages"))
        .await;
    assert_eq!(messages["data"].as_array().unwrap().len(), 1, "only what Ada wrote");
    app.stop().await;
}

#[tokio::test]
async fn preview_needs_one_recipient_and_filled_fields() {
    let app = App::start().await;
    welcome(&app).await;
    app.inbound("Ada", TO, "hello").await;
    let render = "/api/v1/templates/welcome/render";
    for (body, status, at) in [
        (json!({}), 422, Some("/customer_id")),
        (
            json!({ "customer_id": 1, "conversation_id": 1 }),
            422,
            Some("/customer_id"),
        ),
        (json!({ "customer_id": 1 }), 422, Some("/fields/order")),
        (json!({ "customer_id": 99, "fields": { "order": "1" } }), 404, None),
        (json!({ "conversation_id": 99, "fields": { "order": "1" } }), 404, None),
    ] {
        let (found, problem) = post(&app, render, &body).await;
        assert_eq!(found, status, "{body} {problem}");
        if let Some(at) = at {
            assert_eq!(pointer(&problem), at, "{body}");
        }
    }
    app.stop().await;
}
