//! An agent's signature and time zone, by REST and shell.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::app::App;
use crate::cli::rig::Shell;
use crate::desk::refused;
use crate::rig::files::png;

const TO: &str = "+447700900123";

/// Agent 1, with a key that acts as them.
async fn agent(app: &App, fields: Value) -> String {
    let mut new = json!({ "name": "Ada" });
    new.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = app.post("/api/v1/agents", &new).await;
    assert_eq!(made.status(), 201, "{}", made.text().await.unwrap());
    let key = json!({ "name": "ada's", "scope": "send", "agent_id": 1 });
    let key: Value = app.post("/api/v1/keys", &key).await.json().await.unwrap();
    key["key"].as_str().unwrap().to_owned()
}

async fn ask(app: &App, key: &str, method: Method, path: &str, body: Value) -> Response {
    let request = app.bare(method, path).bearer_auth(key).json(&body);
    request.send().await.unwrap()
}

async fn content(app: &App, key: &str, body: Value) -> Value {
    let sent = ask(app, key, Method::POST, "/api/v1/messages", body.clone()).await;
    assert_eq!(sent.status(), 202, "{body}");
    sent.json::<Value>().await.unwrap()["content"].take()
}

#[tokio::test]
async fn signature_is_off_until_it_is_set() {
    let app = App::start().await;
    let key = agent(&app, json!({})).await;
    assert_eq!(app.json("/api/v1/agents/1").await["signature"], Value::Null);
    assert_eq!(
        content(&app, &key, json!({ "to": TO, "content": "Hello" })).await,
        "Hello"
    );
    let tag = app.get("/api/v1/agents/1").await.headers()["etag"].clone();
    let set = app.request(Method::PATCH, "/api/v1/agents/1").header("If-Match", &tag);
    let set = set
        .json(&json!({ "signature": " Ada\r\nSales " }))
        .send()
        .await
        .unwrap();
    assert_ne!(set.headers()["etag"], tag);
    assert_eq!(set.json::<Value>().await.unwrap()["signature"], "Ada\nSales");
    let signed = content(&app, &key, json!({ "to": TO, "content": "Hello" })).await;
    assert_eq!(signed, "Hello\n\nAda\nSales");
    // What is typed with it has it once; a key of its own has none.
    assert_eq!(
        content(&app, &key, json!({ "to": TO, "content": signed })).await,
        signed
    );
    assert_eq!(
        content(&app, &app.key, json!({ "to": TO, "content": "Hello" })).await,
        "Hello"
    );
    let off = json!({ "signature": null });
    app.request(Method::PATCH, "/api/v1/agents/1")
        .json(&off)
        .send()
        .await
        .unwrap();
    assert_eq!(content(&app, &key, json!({ "to": TO, "content": "Bye" })).await, "Bye");
    app.stop().await;
}

#[tokio::test]
async fn signature_is_under_texts_and_captions_alone() {
    let app = App::start().await;
    let key = agent(&app, json!({ "signature": "Ada" })).await;
    let upload = app.request(Method::POST, "/api/v1/media?filename=a.png").body(png());
    let media: Value = upload.send().await.unwrap().json().await.unwrap();
    let media = media["id"].clone();
    for (body, expected) in [
        (json!({ "to": TO, "media": { "id": media } }), "[image]"),
        (
            json!({ "to": TO, "media": { "id": media }, "content": "The menu" }),
            "The menu\n\nAda",
        ),
        (
            json!({ "to": TO, "media": { "id": media, "kind": "document" }, "content": "x" }),
            "x\n\nAda",
        ),
        (
            json!({ "to": TO, "location": { "latitude": 51.5, "longitude": -0.25, "name": "Market" } }),
            "[location: Market",
        ),
        (
            json!({ "to": TO, "contact": { "name": "Bob", "phone": TO } }),
            "[contact: Bob",
        ),
        (
            json!({ "to": TO, "poll": { "question": "When?", "options": ["a", "b"], "selectable": 1 } }),
            "[poll: When?",
        ),
    ] {
        let told = content(&app, &key, body.clone()).await;
        let told = told.as_str().unwrap();
        assert!(told.starts_with(expected), "{body}: {told}");
        assert_eq!(told.contains("Ada"), expected.contains("Ada"), "{body}: {told}");
    }
    // At the bound, the signature is what is too much.
    let fits = "x".repeat(65_536 - 5);
    let told = content(&app, &key, json!({ "to": TO, "content": fits })).await;
    assert_eq!(told.as_str().unwrap().chars().count(), 65_536);
    let long = json!({ "to": TO, "content": "x".repeat(65_536 - 4) });
    let answer = ask(&app, &key, Method::POST, "/api/v1/messages", long).await;
    let (status, code, problem) = refused(answer).await;
    assert_eq!((status, code.as_str()), (422, "text_too_long"));
    assert!(
        problem["detail"].as_str().unwrap().starts_with("with your signature"),
        "{problem}"
    );
    app.stop().await;
}

#[tokio::test]
async fn edit_and_later_keep_signature_of_acceptance() {
    let app = App::start().await;
    let key = agent(&app, json!({ "signature": "Ada" })).await;
    let at = App::now().plus(Duration::from_hours(1));
    for send_at in [None, Some(at)] {
        let mut body = json!({ "to": TO, "content": "Hello" });
        if let Some(at) = send_at {
            body["send_at"] = json!(at);
        }
        let sent = ask(&app, &key, Method::POST, "/api/v1/messages", body).await;
        let sent: Value = sent.json().await.unwrap();
        assert_eq!(
            (&sent["content"], &sent["details"]["signature"]),
            (&json!("Hello\n\nAda"), &json!("Ada"))
        );
        let place = format!("/api/v1/messages/{}", sent["id"]);
        app.request(Method::PATCH, "/api/v1/agents/1")
            .json(&json!({ "signature": "Countess" }))
            .send()
            .await
            .unwrap();
        for (text, expected) in [("Good day", "Good day\n\nAda"), ("Bye\n\nAda", "Bye\n\nAda")] {
            let edited = ask(&app, &app.key, Method::PATCH, &place, json!({ "content": text })).await;
            assert_eq!(edited.json::<Value>().await.unwrap()["content"], expected);
        }
        let long = json!({ "content": "x".repeat(65_536) });
        let (status, code, _) = refused(ask(&app, &key, Method::PATCH, &place, long).await).await;
        assert_eq!((status, code.as_str()), (422, "text_too_long"));
        app.request(Method::PATCH, "/api/v1/agents/1")
            .json(&json!({ "signature": "Ada" }))
            .send()
            .await
            .unwrap();
    }
    app.stop().await;
}

/// The key is bound to the request, not to what is under it.
#[tokio::test]
async fn repeat_after_new_signature_is_one_message() {
    let app = App::start().await;
    let key = agent(&app, json!({ "signature": "Ada" })).await;
    let send = async || {
        let request = app.bare(Method::POST, "/api/v1/messages").bearer_auth(&key);
        let request = request.header("Idempotency-Key", "S1");
        let sent = request
            .json(&json!({ "to": TO, "content": "once" }))
            .send()
            .await
            .unwrap();
        (sent.status().as_u16(), sent.text().await.unwrap())
    };
    let first = send().await;
    app.request(Method::PATCH, "/api/v1/agents/1")
        .json(&json!({ "signature": "Countess" }))
        .send()
        .await
        .unwrap();
    assert_eq!(send().await, first);
    app.stop().await;
}

#[tokio::test]
async fn template_has_signature_once() {
    let app = App::start().await;
    let key = agent(&app, json!({ "signature": "Ada" })).await;
    let of = app.inbound("Bob", TO, "hello").await.conversation_id;
    for (name, body, expected) in [
        ("plain", "Hi {{ customer.name }}", "Hi Bob\n\nAda"),
        ("within", "{{ agent.signature }} greets you", "Ada greets you"),
        ("last", "Hi\n{{ agent.signature }}", "Hi\nAda"),
    ] {
        app.post("/api/v1/templates", &json!({ "name": name, "body": body }))
            .await;
        let template = json!({ "conversation_id": of, "template": { "name": name } });
        assert_eq!(content(&app, &key, template).await, expected, "{name}");
        let preview = format!("/api/v1/templates/{name}/render");
        let shown = ask(&app, &key, Method::POST, &preview, json!({ "conversation_id": of })).await;
        assert_eq!(shown.json::<Value>().await.unwrap()["content"], expected, "{name}");
    }
    let template = json!({ "conversation_id": of, "template": { "name": "last" } });
    assert_eq!(
        content(&app, &app.key, template).await,
        "Hi",
        "nobody's signature is empty"
    );
    app.stop().await;
}

#[tokio::test]
async fn bad_signature_and_zone_are_refused_with_pointer() {
    let app = App::start().await;
    agent(&app, json!({ "time_zone": "europe/london" })).await;
    assert_eq!(app.json("/api/v1/agents/1").await["time_zone"], "Europe/London");
    for (bad, pointer) in [
        (json!({ "signature": "" }), "/signature"),
        (json!({ "signature": "a\nb\nc" }), "/signature"),
        (json!({ "signature": "a\u{7}" }), "/signature"),
        (json!({ "signature": "x".repeat(201) }), "/signature"),
        (json!({ "time_zone": "London" }), "/time_zone"),
        (json!({ "time_zone": "" }), "/time_zone"),
    ] {
        let request = app.request(Method::PATCH, "/api/v1/agents/1").json(&bad);
        let (status, _, problem) = refused(request.send().await.unwrap()).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{bad}"
        );
        let mut new = bad.clone();
        new["name"] = json!("Ben");
        assert_eq!(app.post("/api/v1/agents", &new).await.status(), 422, "{bad}");
    }
    let none = json!({ "time_zone": null });
    let none = app.request(Method::PATCH, "/api/v1/agents/1").json(&none);
    assert_eq!(
        none.send().await.unwrap().json::<Value>().await.unwrap()["time_zone"],
        Value::Null
    );
    app.stop().await;
}

#[tokio::test]
async fn typed_time_is_in_zone_of_agent_and_told() {
    let app = App::start().await;
    let key = agent(&app, json!({ "time_zone": "Asia/Tokyo" })).await;
    let me = app
        .bare(Method::GET, "/api/v1/me")
        .bearer_auth(&key)
        .send()
        .await
        .unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!(
        (&me["agent_id"], &me["name"], &me["scope"], &me["time_zone"]),
        (&json!(1), &json!("Ada"), &json!("send"), &json!("Asia/Tokyo"))
    );
    let own = app.json("/api/v1/me").await;
    assert_eq!((&own["agent_id"], &own["time_zone"]), (&Value::Null, &Value::Null));

    let of_agent = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", &key);
    let of_key = Shell::of(&app).with("CRM_WHATSAPP_TIME_ZONE", "Europe/London");
    for (shell, zone, expected) in [
        (&of_agent, "2027-01-15 18:00 Asia/Tokyo", "2027-01-15T09:00:00.000Z"),
        (&of_key, "2027-01-15 18:00 Europe/London", "2027-01-15T18:00:00.000Z"),
    ] {
        let arguments = ["send", TO, "later", "--at", "2027-01-15 18:00", "-o", "json"];
        let sent = shell.ok(&arguments).await;
        assert!(sent.err.contains(zone), "{sent:?}");
        let id = sent.json()["id"].to_string();
        let view = app.json(&format!("/api/v1/messages/{id}")).await;
        assert_eq!(view["send_at"], expected);
        let moved = ["message", "edit", &id, "--at", "2027-01-15 18:30"];
        let moved = shell.ok(&moved).await;
        assert!(moved.err.contains(&zone.replace("18:00", "18:30")), "{moved:?}");
        let conversation = view["conversation_id"].to_string();
        let until = [
            "conversation",
            "status",
            &conversation,
            "snoozed",
            "--until",
            "2027-01-15 18:00",
            "-o",
            "json",
        ];
        let snoozed = shell.ok(&until).await;
        assert_eq!(snoozed.json()["snoozed_until"], expected);
    }
    // A time with its own zone needs none.
    let exact = ["send", TO, "later", "--at", "2027-01-15T18:00:00+01:00", "-o", "json"];
    assert_eq!(of_agent.ok(&exact).await.err, "");
    app.stop().await;
}

#[tokio::test]
async fn shell_sets_signature_and_zone() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let add = [
        "agent",
        "add",
        "Ada",
        "--signature",
        "Ada, Sales",
        "--time-zone",
        "Europe/London",
    ];
    shell.ok(&add).await;
    let agent = app.json("/api/v1/agents/1").await;
    assert_eq!(
        (&agent["signature"], &agent["time_zone"]),
        (&json!("Ada, Sales"), &json!("Europe/London"))
    );
    shell
        .ok(&["agent", "edit", "Ada", "--no-signature", "--time-zone", "UTC"])
        .await;
    let agent = app.json("/api/v1/agents/1").await;
    assert_eq!(
        (&agent["signature"], &agent["time_zone"]),
        (&Value::Null, &json!("UTC"))
    );
    let both = shell
        .run(&["agent", "edit", "Ada", "--no-signature", "--signature", "x"])
        .await;
    assert_eq!(both.code, Some(2), "{both:?}");
    app.stop().await;
}
