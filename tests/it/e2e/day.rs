//! A day at the desk, once by REST alone, once by the shell alone, and once by commands and reactions in rooms alone: a new customer is taken, noted upon, answered from a
//! template and with a file; a message for later is held when the customer writes, and released; the conversation sleeps,
//! the customer wakes it, and it is closed. Each step is in the journal, in the audit log and in the metrics.

use std::time::Duration;

use crm::clock::SystemClock;
use crm::domain::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::files::{png, write};
use crate::rig::media::{get, post, upload};
use crate::rig::told::rest;
use crate::rig::{PATIENCE, until};
use testbed::agents::{Agent, Client, Content};
use testbed::standin::Customer;

const QUESTION: &str = "where is my parcel?";
const GREETING: &str = "Hello, we look after you";
const PROMISE: &str = "it arrives tomorrow";
const OFFER: &str = "still there? we have a new offer";
const SECOND_QUESTION: &str = "can you bring it to my neighbour?";
const THIRD_QUESTION: &str = "it has come, thank you";

/// Waits until the customer's conversation has all of `wanted`, and gives the conversation.
async fn conversation_of(desk: &Desk, customer: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until("the conversation as it has to be", async || {
        let page = get(desk, "/api/v1/conversations").await;
        let all = page["data"].as_array()?.clone();
        all.into_iter().find(|found| found["name"] == customer && wanted(found))
    })
    .await
}

async fn until_held(desk: &Desk, message: &Value) {
    until("a held message", async || {
        let found = get(desk, &format!("/api/v1/messages/{}", message["id"])).await;
        (found["state"] == "held").then_some(())
    })
    .await;
}

/// Asserts what POST answers.
async fn done(desk: &Desk, path: &str, body: Value) -> Value {
    let (status, answer) = post(desk, path, &body).await;
    assert!((200..300).contains(&status), "{path}: {answer}");
    answer
}

/// Gives the conversation's id.
async fn by_rest(desk: &Desk, customer: &Customer, agent: &Value) -> i64 {
    let soon = SystemClock.now().plus(Duration::from_hours(2)).to_string();
    customer.write(QUESTION);
    let conversation = conversation_of(desk, "Ada", |_| true).await;
    let id = conversation["id"].as_i64().unwrap();
    let path = format!("/api/v1/conversations/{id}");
    let message = json!({ "conversation_id": id });
    let with = |fields: Value| {
        let mut body = message.clone();
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        body
    };
    let assigned = done(desk, &format!("{path}/assign"), json!({ "agent_id": agent["id"] })).await;
    assert_eq!(assigned["assignee"], "Ann");
    done(desk, &format!("{path}/notes"), json!({ "content": "a good customer" })).await;
    done(
        desk,
        "/api/v1/messages",
        with(json!({ "template": { "name": "greeting" } })),
    )
    .await;
    phone_shows(customer, GREETING).await;
    let page = get(desk, &format!("{path}/messages")).await;
    let asked = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["content"] == QUESTION);
    let file = upload(desk, "route.png", &png()).await;
    let reply = json!({ "content": PROMISE, "media": { "id": file["id"] }, "reply_to": asked.unwrap()["id"] });
    done(desk, "/api/v1/messages", with(reply)).await;
    let shown = customer.received(|received| received.text == PROMISE).await;
    assert_eq!((shown.kind.as_str(), shown.quote.is_some()), ("image", true));
    let later = done(
        desk,
        "/api/v1/messages",
        with(json!({ "content": OFFER, "send_at": soon })),
    )
    .await;
    assert_eq!(later["state"], "scheduled");
    customer.write(SECOND_QUESTION);
    until_held(desk, &later).await;
    assert_eq!(times_accepted(&desk.standin, OFFER), 0);
    done(desk, &format!("/api/v1/messages/{}/release", later["id"]), json!({})).await;
    phone_shows(customer, OFFER).await;
    let snooze = json!({ "status": "snoozed", "until": soon });
    done(desk, &format!("{path}/status"), snooze).await;
    customer.write(THIRD_QUESTION);
    conversation_of(desk, "Ada", |found| found["status"] == "open").await;
    let closed = done(desk, &format!("{path}/status"), json!({ "status": "closed" })).await;
    assert_eq!(
        (&closed["status"], &closed["assignee"]),
        (&json!("closed"), &json!("Ann"))
    );
    id
}

/// Gives the conversation's id.
async fn by_shell(desk: &Desk, customer: &Customer) -> i64 {
    let crm = &desk.crm;
    let json = async |arguments: &[&str]| crm.json(&[arguments, &["-o", "json"]].concat()).await;
    customer.write(QUESTION);
    let conversation = until("a conversation", async || {
        let all = json(&["conversation", "list"]).await;
        let all = all.as_array()?.clone();
        all.into_iter().find(|found| found["name"] == "Bea")
    })
    .await;
    let id = conversation["id"].to_string();
    let to = format!("conversation:{id}");
    json(&["conversation", "assign", &id, "Ann"]).await;
    json(&["conversation", "note", &id, "a good customer"]).await;
    json(&["send", &to, "--template", "greeting"]).await;
    phone_shows(customer, GREETING).await;
    let messages = json(&["message", "list", &id]).await;
    let asked = messages.as_array().unwrap().iter().find(|of| of["content"] == QUESTION);
    let asked = asked.unwrap()["id"].to_string();
    let file = write(crm.folder(), "route.png", &png());
    json(&[
        "send",
        &to,
        PROMISE,
        "--file",
        file.to_str().unwrap(),
        "--reply-to",
        &asked,
    ])
    .await;
    let shown = customer.received(|received| received.text == PROMISE).await;
    assert_eq!((shown.kind.as_str(), shown.quote.is_some()), ("image", true));
    let later = json(&["send", &to, OFFER, "--at", "in 2h"]).await;
    assert_eq!(later["state"], "scheduled");
    let later_id = later["id"].to_string();
    customer.write(SECOND_QUESTION);
    until("a held message", async || {
        (json(&["message", "view", &later_id]).await["state"] == "held").then_some(())
    })
    .await;
    assert_eq!(times_accepted(&desk.standin, OFFER), 1, "only the one by REST");
    json(&["message", "release", &later_id]).await;
    phone_shows(customer, OFFER).await;
    json(&["conversation", "status", &id, "snoozed", "--until", "tomorrow 9:00"]).await;
    customer.write(THIRD_QUESTION);
    until("an open conversation", async || {
        (json(&["conversation", "view", &id]).await["status"] == "open").then_some(())
    })
    .await;
    let closed = json(&["conversation", "status", &id, "closed"]).await;
    assert_eq!(closed["status"], "closed");
    conversation["id"].as_i64().unwrap()
}

/// Checks the journal's events of a conversation.
fn check_journal(events: &[Value], conversation: i64) {
    let of = |kind: &str| -> Vec<&Value> {
        let theirs = |event: &&Value| event["conversation_id"] == conversation && event["type"] == kind;
        events.iter().filter(theirs).map(|event| &event["data"]).collect()
    };
    let contents = |kind: &str| -> Vec<String> {
        let all = of(kind).into_iter();
        all.map(|data| data["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        contents("message.received"),
        [QUESTION, SECOND_QUESTION, THIRD_QUESTION]
    );
    assert_eq!(contents("message.queued"), [GREETING, PROMISE, OFFER]);
    assert_eq!(contents("message.scheduled"), [OFFER]);
    assert_eq!(contents("message.held"), [OFFER]);
    assert_eq!(contents("note.created"), ["a good customer"]);
    assert_eq!(of("conversation.assigned").len(), 1);
    let mut stood: Vec<&str> = of("conversation.updated")
        .into_iter()
        .map(|data| data["status"].as_str().unwrap())
        .collect();
    stood.dedup();
    assert!(stood.ends_with(&["snoozed", "open", "closed"]), "{stood:?}");
}

/// Checks the audit log of a conversation: what was decided, in order.
async fn check_audit(desk: &Desk, conversation: i64) {
    let page = get(desk, "/api/v1/audit?limit=200").await;
    let mut operations: Vec<String> = vec![];
    for line in page["data"].as_array().unwrap().iter().rev() {
        let subject = line["subject"].as_str().unwrap();
        if subject.starts_with(&format!("/api/v1/conversations/{conversation}/")) {
            operations.push(line["detail"]["operation"].as_str().unwrap().to_owned());
        }
    }
    let decided = [
        "conversation.assign",
        "note.write",
        "conversation.status",
        "conversation.status",
    ];
    assert_eq!(operations, decided);
}

/// Checks the counts of the journal's events, for two such days.
async fn check_metrics(desk: &Desk) {
    let answer = reqwest::Client::new().get(format!("{}/metrics", desk.crm.url));
    let answer = answer.bearer_auth(desk.crm.admin_key()).send().await.unwrap();
    let text = answer.text().await.unwrap();
    for (kind, least) in [
        ("message.received", 6),
        ("conversation.assigned", 2),
        ("note.created", 2),
        ("template.created", 1),
        ("message.queued", 6),
        ("message.scheduled", 2),
        ("message.held", 2),
        ("conversation.updated", 6),
    ] {
        let name = format!("crm_events_total{{kind=\"{kind}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        let count: u64 = line.unwrap_or_else(|| panic!("{kind} is not counted")).parse().unwrap();
        assert!(count >= least, "{kind}: {count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn day_at_desk_by_rest_and_by_shell() {
    let desk = Desk::ready(Plan::plain()).await;
    let agent = done(&desk, "/api/v1/agents", json!({ "name": "Ann" })).await;
    done(
        &desk,
        "/api/v1/templates",
        json!({ "name": "greeting", "body": GREETING }),
    )
    .await;
    let (ada, bea) = (
        desk.standin.customer("Ada", "447700900401"),
        desk.standin.customer("Bea", "447700900402"),
    );
    let days = [by_rest(&desk, &ada, &agent).await, by_shell(&desk, &bea).await];
    let events = desk
        .crm
        .lines_within(
            Duration::from_secs(30),
            &["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"],
        )
        .await;
    for day in days {
        check_journal(&events, day);
        check_audit(&desk, day).await;
    }
    check_metrics(&desk).await;
    for customer in [&ada, &bea] {
        let texts: Vec<String> = customer.inbox().into_iter().map(|shown| shown.text).collect();
        assert_eq!(texts, [GREETING, PROMISE, OFFER], "notes stay inside");
    }
}

/// Writes in a room, and waits for the bot's answer to it, which says this.
async fn says(agent: &Agent, room: &str, body: &str, answer: &str) {
    let event = agent.send(room, Content::text(body)).await.unwrap();
    let is_answer = |message: &testbed::agents::Message| {
        message.in_reply_to() == Some(event.as_str()) && message.body().contains(answer)
    };
    agent.until_message(room, is_answer, PATIENCE).await.unwrap();
}

/// Gives the conversation's id.
async fn by_commands(desk: &Desk, agent: &Agent, customer: &Customer) -> i64 {
    customer.write(QUESTION);
    let room = agent.until_room("Cleo", PATIENCE).await.unwrap().room_id;
    let asked = agent
        .until_message(&room, |message| message.body().contains(QUESTION), PATIENCE)
        .await
        .unwrap();
    says(agent, &room, "!assign", "ada has this conversation now").await;
    let note = agent.send(&room, Content::text("!note a good customer")).await.unwrap();
    agent
        .until_reaction(&room, &note, |key| key == "📝", PATIENCE)
        .await
        .unwrap();
    says(agent, &room, "!template gretting", "there is no template gretting").await;
    agent.send(&room, Content::text("!template greeting")).await.unwrap();
    phone_shows(customer, GREETING).await;
    agent
        .send(&room, Content::thread(&asked.event_id, PROMISE))
        .await
        .unwrap();
    let shown = customer.received(|received| received.text == PROMISE).await;
    assert!(shown.quote.is_some(), "a thread at the question is a reply to it");
    says(agent, &room, &format!("!send-at 2h {OFFER}"), "goes out at").await;
    customer.write(SECOND_QUESTION);
    let conversation = conversation_of(desk, "Cleo", |found| found["unread_count"] != 0).await;
    let id = conversation["id"].as_i64().unwrap();
    until("a held message", async || {
        let page = get(desk, &format!("/api/v1/conversations/{id}/messages")).await;
        let is_held = page["data"]
            .as_array()?
            .iter()
            .any(|message| message["state"] == "held");
        is_held.then_some(())
    })
    .await;
    says(agent, &room, "!release", "goes out now").await;
    phone_shows(customer, OFFER).await;
    says(agent, &room, "!snooze tomorrow 9:00", "sleeps until").await;
    customer.write(THIRD_QUESTION);
    conversation_of(desk, "Cleo", |found| found["status"] == "open").await;
    says(agent, &room, "!customer", THIRD_QUESTION).await;
    agent
        .send(&room, Content::thread(&note, "said thank you"))
        .await
        .unwrap();
    agent.send(&room, Content::reply(&note, "and paid")).await.unwrap();
    says(agent, &room, "!close", "is closed now").await;
    let closed = get(desk, &format!("/api/v1/conversations/{id}")).await;
    assert_eq!(
        (&closed["status"], &closed["assignee"]),
        (&json!("closed"), &json!("ada"))
    );
    id
}

/// Waits until the bot has put a reaction under one of its messages, and taps it: the agent reacts likewise.
async fn taps(agent: &Agent, room: &str, event: &str, key: &str) {
    agent
        .until_reaction(room, event, |shown| shown == key, PATIENCE)
        .await
        .unwrap();
    agent.send(room, Content::reaction(event, key)).await.unwrap();
}

/// A message of the bot's that says this.
async fn notice(agent: &Agent, room: &str, says: &str) -> testbed::agents::Message {
    let is_it = |message: &testbed::agents::Message| message.msgtype() == "m.notice" && message.body().contains(says);
    agent.until_message(room, is_it, PATIENCE).await.unwrap()
}

/// The common actions by one tap each. Gives the conversation's id, and its room.
async fn by_reactions(desk: &Desk, agent: &Agent, customer: &Customer) -> (i64, String) {
    customer.write(QUESTION);
    let room = agent.until_room("Dora", PATIENCE).await.unwrap().room_id;
    let card = notice(agent, &room, "✋ take").await;
    assert!(
        card.body().contains("Dora (+447700900404)") && card.body().contains("open, with nobody"),
        "{card:?}"
    );
    taps(agent, &room, &card.event_id, "✋").await;
    let taken = conversation_of(desk, "Dora", |found| found["assignee"] == "ada").await;
    let id = taken["id"].as_i64().unwrap();

    desk.standin.page_online(false);
    agent.send(&room, Content::text(PROMISE)).await.unwrap();
    let message = until("a message that waits", async || {
        let page = get(desk, &format!("/api/v1/conversations/{id}/messages")).await;
        let all = page["data"].as_array()?.clone();
        all.into_iter().find(|message| message["content"] == PROMISE)
    })
    .await;
    done(desk, &format!("/api/v1/messages/{}/cancel", message["id"]), json!({})).await;
    desk.standin.page_online(true);
    let failure = notice(agent, &room, "This was not sent").await;
    taps(agent, &room, &failure.event_id, "🔁").await;
    phone_shows(customer, PROMISE).await;

    taps(agent, &room, &card.event_id, "💤").await;
    conversation_of(desk, "Dora", |found| found["status"] == "snoozed").await;
    customer.write(SECOND_QUESTION);
    conversation_of(desk, "Dora", |found| found["status"] == "open").await;
    taps(agent, &room, &card.event_id, "✅").await;
    conversation_of(desk, "Dora", |found| found["status"] == "closed").await;
    (id, room)
}

/// The agent has nothing but a Matrix client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn day_at_desk_by_commands_and_reactions() {
    if testbed::quick() {
        return;
    }
    let desk = Desk::ready(Plan::with_matrix()).await;
    let template = json!({ "name": "greeting", "body": GREETING });
    done(&desk, "/api/v1/templates", template).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let cleo = desk.standin.customer("Cleo", "447700900403");
    let id = by_commands(&desk, &agent, &cleo).await;
    let texts: Vec<String> = cleo.inbox().into_iter().map(|shown| shown.text).collect();
    assert_eq!(texts, [GREETING, PROMISE, OFFER], "notes and commands stay inside");
    let agents = get(&desk, "/api/v1/agents").await;
    let ada = agents["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["name"] == "ada");
    let ada = ada.unwrap()["id"].clone();
    let manager = json!({ "role": "manager" });
    let (status, _) = rest(&desk, Method::PATCH, &format!("/api/v1/agents/{ada}"), manager).await;
    assert_eq!(status, 200, "who retries is a manager");
    let dora = desk.standin.customer("Dora", "447700900404");
    let (by_taps, room) = by_reactions(&desk, &agent, &dora).await;
    let texts: Vec<String> = dora.inbox().into_iter().map(|shown| shown.text).collect();
    assert_eq!(texts, [PROMISE], "reactions stay inside");
    let events = desk
        .crm
        .lines_within(
            Duration::from_secs(30),
            &["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"],
        )
        .await;
    let of = |kind: &str| {
        let theirs = |event: &&Value| event["conversation_id"] == by_taps && event["type"] == kind;
        events.iter().filter(theirs).count()
    };
    assert_eq!((of("conversation.assigned"), of("message.queued")), (1, 1), "each once");
    let notes = get(&desk, &format!("/api/v1/conversations/{id}/notes")).await;
    let notes: Vec<&str> = notes["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|note| note["content"].as_str())
        .collect();
    assert_eq!(notes, ["a good customer", "said thank you", "and paid"]);
    let page = get(&desk, "/api/v1/audit?limit=200&actor=ada").await;
    let mut operations: Vec<&str> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["subject"] == format!("/api/v1/conversations/{id}"))
        .filter_map(|line| line["detail"]["operation"].as_str())
        .collect();
    operations.reverse();
    let decided = [
        "conversation.assign",
        "note.write",
        "message.release",
        "conversation.status",
        "note.write",
        "note.write",
        "conversation.status",
    ];
    assert_eq!(operations, decided);
    // A card changes once a minute.
    let is_current = |message: &testbed::agents::Message| message.body().contains("closed, with ada");
    agent.until_message(&room, is_current, 2 * PATIENCE).await.unwrap();
}
