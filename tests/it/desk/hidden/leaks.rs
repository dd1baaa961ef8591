//! Ways to a number that pass by the fields in which it stands.

use crm::api::AccessRules;
use crm::contract::Scope;
use crm::domain::hex::hex;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::app::App;
use crate::cli::rig::Shell;
use crate::ws::client::Client;

const PHONE: &str = "+447700900571";
/// Digits of it that nothing else here has.
const DIGITS: &str = "7700900571";

async fn app() -> App {
    App::ruled(AccessRules {
        hide_numbers: true,
        ..AccessRules::default()
    })
    .await
}

/// A caller who may not see numbers.
struct Agent<'a> {
    app: &'a App,
    key: String,
}

/// Status, revision and body of an answer.
struct Told {
    status: u16,
    tag: String,
    body: Value,
}

impl<'a> Agent<'a> {
    async fn of(app: &'a App) -> Self {
        let key = app.key_of(Scope::Send).await;
        Self { app, key }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>, seen: Option<&str>) -> Told {
        let mut request = self.app.bare(method, &format!("/api/v1{path}")).bearer_auth(&self.key);
        if let Some(seen) = seen {
            request = request.header("If-Match", seen);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let tag = answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        Told {
            status: answer.status().as_u16(),
            tag: tag.unwrap_or_default(),
            body: answer.json().await.unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Told {
        self.ask(Method::GET, path, None, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Told {
        self.ask(Method::POST, path, Some(body), None).await
    }
}

async fn template(app: &App, name: &str, body: &str) {
    let made = app
        .post("/api/v1/templates", &json!({ "name": name, "body": body }))
        .await;
    assert_eq!(made.status(), 201);
}

/// Somebody who may not see the number could send it to themselves, or for later, and read it.
#[tokio::test]
async fn template_of_agent_has_no_number() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let zoe = app.inbound("Zoe 4477 0090 0571", PHONE, "hello").await;
    let nobody = app.inbound(PHONE, "+447700900572", "hello").await;
    let customer = zoe.customer_id.unwrap();
    let attributes = json!({ "attributes": { "line": "07700 900571", "note": "ask 07700 900571 at noon", "n": 447_700_900_571_i64 } });
    let path = format!("/api/v1/customers/{customer}");
    let changed = app
        .request(Method::PATCH, &path)
        .json(&attributes)
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 200);
    for (name, body) in [
        ("call", "Call {{ customer.phone }}"),
        ("hi", "Hi {{ customer.name }}"),
        ("line", "Line {{ customer.attributes.line }}"),
        ("digits", "Line {{ customer.attributes.n }}"),
        ("note", "We {{ customer.attributes.note }}"),
        ("else", "Call {{ customer.phone | default(\"us\") }}"),
        (
            "each",
            "{% for name in customer.attributes %}{{ customer.attributes[name] }}{% endfor %}",
        ),
    ] {
        template(&app, name, body).await;
    }
    let both = |message: &crm::domain::message::Message, name: &str| {
        let whom = json!({ "conversation_id": message.conversation_id });
        let mut send = whom.clone();
        send["template"] = json!({ "name": name });
        send["send_at"] = json!("2026-10-21T14:13:20Z");
        (format!("/templates/{name}/render"), whom, send)
    };
    for (message, name, variable) in [
        (&zoe, "call", "customer.phone"),
        (&zoe, "line", "customer.attributes.line"),
        (&zoe, "digits", "customer.attributes.n"),
        (&nobody, "hi", "customer.name"),
    ] {
        let (render, whom, order) = both(message, name);
        for told in [agent.post(&render, &whom).await, agent.post("/messages", &order).await] {
            let text = told.body.to_string();
            assert_eq!(told.status, 422, "{name}: {text}");
            assert!(text.contains(variable) && text.contains("manager"), "{name}: {text}");
            assert!(!text.contains(DIGITS), "{name}: {text}");
        }
    }
    for (name, content) in [("hi", "Hi Zoe"), ("note", "We ask at noon"), ("else", "Call us")] {
        let (render, whom, order) = both(&zoe, name);
        assert_eq!(agent.post(&render, &whom).await.body["content"], content);
        let sent = agent.post("/messages", &order).await;
        assert_eq!((sent.status, &sent.body["content"]), (202, &json!(content)));
    }
    let (_, _, order) = both(&zoe, "each");
    assert_eq!(agent.post("/messages", &order).await.body["content"], "ask at noon");
    let (_, _, order) = both(&zoe, "call");
    let sent = app.post("/api/v1/messages", &order).await;
    assert_eq!(sent.status(), 202, "a manager sends it");
    let sent: Value = sent.json().await.unwrap();
    assert_eq!(sent["content"], format!("Call {PHONE}"));
    app.stop().await;
}

/// Six bytes of a hash are enough to find a number of some ten digits.
#[tokio::test]
async fn tag_without_number_holds_no_hash_of_it() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let ada = app.inbound(PHONE, PHONE, "hello").await;
    let path = format!("/customers/{}", ada.customer_id.unwrap());
    let seen = agent.get(&path).await;
    for known in [PHONE, DIGITS, "447700900571"] {
        let hash = hex(&Sha256::digest(known)[..6]);
        assert!(!seen.tag.contains(&hash), "{known}: {}", seen.tag);
    }
    // The tag goes with what the agent sees.
    let change = |body: Value| {
        let request = app.request(Method::PATCH, &format!("/api/v1{path}"));
        async move { request.json(&body).send().await.unwrap().status() }
    };
    assert_eq!(change(json!({ "phone": "+447700900573" })).await, 200);
    assert_eq!(agent.get(&path).await.tag, seen.tag);
    let lead = json!({ "status": "lead" });
    let edited = agent.ask(Method::PATCH, &path, Some(&lead), Some(&seen.tag)).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(agent.get(&path).await.tag, edited.tag);
    assert_eq!(change(json!({ "name": "Ada" })).await, 200);
    let stale = agent.ask(Method::PATCH, &path, Some(&lead), Some(&edited.tag)).await;
    assert_eq!(stale.status, 412);
    assert!(
        stale.body["detail"].as_str().unwrap().contains("name"),
        "{}",
        stale.body
    );
    app.stop().await;
}

#[tokio::test]
async fn search_without_numbers_pages_by_what_is_shown() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    for (name, phone) in [
        ("Zoe 447700900571", "+447700900571"),
        ("Zoe 1", "+447700900572"),
        ("+447700900573", "+447700900573"),
        ("Zoe 447700900174", "+447700900174"),
        ("Zoe 12", "+447700900575"),
        ("Zoe 14, 4477009001", "+447700900576"),
    ] {
        app.inbound(name, phone, "hello").await;
    }
    let found = async |search: &str, more: &str| agent.get(&format!("/customers?search={search}{more}")).await.body;
    let none = found("nobody", "&limit=1").await;
    for search in [
        "zoe%204",
        "zoe%20447700900571",
        "00900",
        "0900571",
        "4477",
        "573",
        "%2B4477",
    ] {
        assert_eq!(found(search, "&limit=1").await, none, "{search}");
        assert_eq!(found(search, "&limit=1&order=desc").await, none, "{search}");
    }
    for (order, names) in [
        ("asc", ["Zoe 1", "Zoe 12", "Zoe 14, hidden"]),
        ("desc", ["Zoe 14, hidden", "Zoe 12", "Zoe 1"]),
    ] {
        let mut more = format!("&limit=1&order={order}");
        for (at, name) in names.iter().enumerate() {
            let page = found("zoe%201", &more).await;
            assert_eq!(page["data"][0]["name"], *name, "{page}");
            assert_eq!(page["has_more"], at + 1 < names.len(), "{page}");
            let side = if order == "asc" { "after" } else { "before" };
            let next = page["next_cursor"].as_str().unwrap_or_default();
            more = format!("&limit=1&order={order}&{side}={next}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn refusal_hides_numbers_on_every_face() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let seen = app.inbound(PHONE, PHONE, "hello").await;
    app.inbound(PHONE, PHONE, &format!("ask @44{DIGITS}")).await;
    let wanted = json!({ "conversation_id": seen.conversation_id, "content": "hi", "seen_up_to": seen.id });
    let told = agent.post("/messages", &wanted).await;
    assert_eq!((told.status, &told.body["code"]), (409, &json!("overtaken")));
    assert_eq!(told.body["missed"][0]["content"], "ask @hidden");
    assert!(!told.body.to_string().contains(DIGITS), "{}", told.body);
    let mut client = Client::greeted(&app).await;
    client
        .say(&json!({ "op": "identify", "d": { "token": agent.key } }))
        .await;
    assert_eq!(client.frame().await["op"], "ready");
    let reply = client.command("send", &json!(1), wanted).await;
    assert_eq!(reply["d"]["missed"], told.body["missed"]);
    app.stop().await;
}

/// The desk gives them itself, and no customer's number stands in them.
#[tokio::test]
async fn desk_names_and_dates_are_not_hidden() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    template(&app, "promo-20261201", "hello").await;
    for (path, body) in [
        ("/labels", json!({ "name": "447700900123" })),
        ("/attributes", json!({ "name": "ref-20261130", "kind": "text" })),
        ("/agents", json!({ "name": "Eve 20261130" })),
    ] {
        let made = app.post(&format!("/api/v1{path}"), &body).await;
        assert_eq!(made.status(), 201, "{path}");
        if path != "/agents" {
            assert_eq!(agent.get(path).await.body["data"][0]["name"], body["name"], "{path}");
        }
    }
    assert_eq!(agent.get("/templates").await.body["data"][0]["name"], "promo-20261201");
    let message = app.inbound("Ada", PHONE, "hello").await;
    let out = format!("/api/v1/customers/{}/opt-out", message.customer_id.unwrap());
    assert_eq!(app.post(&out, &json!({})).await.status(), 200);
    let wanted = json!({ "conversation_id": message.conversation_id, "content": "hi" });
    let told = agent.post("/messages", &wanted).await;
    let detail = told.body["detail"].as_str().unwrap();
    assert!(
        told.status == 409 && detail.contains("2026-09-21T14:13:20.000Z"),
        "{detail}"
    );
    app.stop().await;
}

/// Somebody who sees no numbers sends back what stands for one, with all that they did not touch.
#[tokio::test]
async fn edit_without_numbers_keeps_hidden_attributes() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let defined = json!({ "name": "n", "kind": "number" });
    assert_eq!(app.post("/api/v1/attributes", &defined).await.status(), 201);
    let ada = app.inbound(PHONE, PHONE, "hello").await;
    let path = format!("/customers/{}", ada.customer_id.unwrap());
    let mut stored = json!({
        "line": "07700 900571", "n": 447_700_900_571_i64, "of 07700 900571": "yes", "plan": "free",
        "in": { "line": "07700 900571", "floor": 1 }, "all": ["07700 900571", "a"],
    });
    let request = app.request(Method::PATCH, &format!("/api/v1{path}"));
    let given = json!({ "attributes": stored, "status": "line 07700 900571" });
    assert_eq!(request.json(&given).send().await.unwrap().status(), 200);
    let before = app.json(&format!("/api/v1{path}")).await;

    let seen = agent.get(&path).await;
    assert!(!seen.body.to_string().contains("900571"), "{}", seen.body);
    let mut edited = json!({});
    for field in ["name", "status", "attributes"] {
        edited[field] = seen.body[field].clone();
    }
    for (name, value) in [("plan", json!("pro")), ("all", json!(["b", "hidden"]))] {
        edited["attributes"][name] = value;
    }
    edited["attributes"]["in"]["floor"] = json!(2);
    let told = agent.ask(Method::PATCH, &path, Some(&edited), Some(&seen.tag)).await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert!(!told.body.to_string().contains("900571"), "{}", told.body);

    stored["plan"] = json!("pro");
    stored["all"] = json!(["b", "07700 900571"]);
    stored["in"]["floor"] = json!(2);
    let after = app.json(&format!("/api/v1{path}")).await;
    assert_eq!(after["attributes"], stored);
    for field in ["name", "name_source", "phone", "status"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    app.stop().await;
}

/// Somebody who may not see a number could forward it to themselves.
#[tokio::test]
async fn forward_of_agent_has_no_number() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let asked = app.inbound("Ada", PHONE, &format!("ask @44{DIGITS}")).await;
    let path = format!("/messages/{}/forward", asked.id);
    let to = json!({ "to": "+447700900572" });
    let told = agent.post(&path, &to).await;
    assert_eq!(told.status, 202, "{}", told.body);
    let sent = app.json(&format!("/api/v1/messages/{}", told.body["id"])).await;
    assert_eq!(sent["content"], "ask @hidden", "as it is stored");
    let whole = app.post(&format!("/api/v1{path}"), &to).await;
    assert_eq!(
        whole.json::<Value>().await.unwrap()["content"],
        format!("ask @44{DIGITS}")
    );
    app.stop().await;
}

/// A short list is written anew without numbers, a long one row by row.
#[tokio::test]
async fn summary_without_numbers_hides_status() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let ada = app.inbound("Ada", PHONE, "hello").await;
    let path = format!("/api/v1/customers/{}", ada.customer_id.unwrap());
    let request = app.request(Method::PATCH, &path);
    let given = json!({ "status": "line 07700 900571" });
    assert_eq!(request.json(&given).send().await.unwrap().status(), 200);
    for more in [0, 200] {
        for number in 0..more {
            app.inbound("Ben", &format!("+447700901{number:03}"), "hello").await;
        }
        let key = &agent.key;
        let request = app.bare(Method::GET, "/customers/summary").bearer_auth(key);
        let rows: Value = request.send().await.unwrap().json().await.unwrap();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), more + 1);
        let of_ada = rows.iter().find(|row| row["name"] == "Ada").unwrap();
        assert_eq!(of_ada["status"], "line hidden", "{of_ada}");
    }
    app.stop().await;
}

/// Whoever is shown as `Customer 1` is found and written to by that.
#[tokio::test]
async fn customer_without_name_is_found_by_label() {
    let app = app().await;
    let agent = Agent::of(&app).await;
    let nobody = app.inbound(PHONE, PHONE, "hello").await.customer_id.unwrap();
    let zoe = app.inbound("Zoe", "+447700900572", "hello").await.customer_id.unwrap();
    let label = format!("Customer {nobody}");
    for search in [format!("Customer%20{nobody}"), format!("customer%20{nobody}")] {
        let page = agent.get(&format!("/customers?search={search}")).await.body;
        assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(
            (&page["data"][0]["id"], &page["data"][0]["name"]),
            (&json!(nobody), &json!(label))
        );
    }
    let named = agent.get(&format!("/customers?search=Customer%20{zoe}")).await.body;
    assert_eq!(named["data"], json!([]), "who is shown by a name");
    let whole = app.json(&format!("/api/v1/customers?search=Customer%20{nobody}")).await;
    assert_eq!(whole["data"], json!([]), "to whom the number is shown");
    let shell = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", &agent.key);
    shell.ok(&["send", &label, "hi", "--wait", "queued"]).await;
    app.stop().await;
}
