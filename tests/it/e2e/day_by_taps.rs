//! A day at the desk by reactions alone where there are any, with an application service: each step is visible in the API, on
//! the card, in the journal, and in the sub-space in which the room is. The agent has nothing but a Matrix client.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Agent, Client, Content, Message};

use crate::rig::customers::phone_shows;
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::media::{get, post};
use crate::rig::told::rest;
use crate::rig::{PATIENCE, until};

const QUESTION: &str = "where is my parcel?";
const PROMISE: &str = "it arrives tomorrow";
const THANKS: &str = "it has come, thank you";

/// The desk as an agent sees it.
struct Day<'a> {
    desk: &'a Desk,
    agent: &'a Agent,
    space: String,
    room: String,
}

impl Day<'_> {
    /// Waits until the conversation has all of `wanted`.
    async fn stands(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, async || {
            let page = get(self.desk, "/api/v1/conversations").await;
            let all = page["data"].as_array()?.clone();
            all.into_iter().find(|found| found["name"] == "Dora" && wanted(found))
        })
        .await
    }

    /// Waits until the agent sees the room in this sub-space alone.
    async fn is_in(&self, name: &str) {
        let mut seen = vec![];
        let end = tokio::time::Instant::now() + PATIENCE;
        while seen != [name] {
            assert!(tokio::time::Instant::now() < end, "in {seen:?}, not in {name}");
            seen = self.places().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Names of the sub-spaces that have the room, by what the homeserver shows the agent of the Space.
    async fn places(&self) -> Vec<String> {
        let all = self.agent.hierarchy(&self.space).await.unwrap();
        let has_room = |space: &&Value| {
            let mut children = space["children_state"].as_array().into_iter().flatten();
            space["room_id"] != self.space.as_str() && children.any(|child| child["state_key"] == self.room.as_str())
        };
        let inside = all.iter().filter(has_room);
        inside.map(|space| space["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the bot has put a reaction under one of its messages, and taps it: the agent reacts likewise.
    async fn taps(&self, event: &str, key: &str) {
        let (agent, room) = (self.agent, &self.room);
        let is_it = |shown: &str| shown == key;
        agent.until_reaction(room, event, is_it, PATIENCE).await.unwrap();
        agent.send(room, Content::reaction(event, key)).await.unwrap();
    }

    /// A message of the bot's that says this.
    async fn notice(&self, says: &str) -> Message {
        let is_it = |message: &Message| message.msgtype() == "m.notice" && message.body().contains(says);
        self.agent.until_message(&self.room, is_it, PATIENCE).await.unwrap()
    }
}

/// Lets the agent try failed messages again.
async fn promote(desk: &Desk) {
    let agents = get(desk, "/api/v1/agents").await;
    let ada = agents["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["name"] == "ada");
    let path = format!("/api/v1/agents/{}", ada.unwrap()["id"]);
    let (status, _) = rest(desk, Method::PATCH, &path, json!({ "role": "manager" })).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn day_by_taps_moves_room_through_sub_spaces() {
    if testbed::quick() {
        return;
    }
    let mut desk = Desk::ready(Plan::as_service()).await;
    promote(&desk).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Dora", "447700900404");
    customer.write(QUESTION);
    let room = agent.until_room("Dora", PATIENCE).await.unwrap().room_id;
    let space = agent.until_room("WhatsApp", PATIENCE).await.unwrap().room_id;
    for name in ["Unassigned", "Mine (ada)", "Snoozed", "Closed"] {
        assert!(agent.until_room(name, PATIENCE).await.unwrap().space, "{name}");
    }
    let (id, card) = {
        let day = Day {
            desk: &desk,
            agent: &agent,
            space: space.clone(),
            room: room.clone(),
        };
        day.is_in("Unassigned").await;
        let card = day.notice("✋ take").await;
        assert!(card.body().contains("Dora (+447700900404)") && card.body().contains("open, with nobody"));

        day.taps(&card.event_id, "✋").await;
        let taken = day.stands("taken", |found| found["assignee"] == "ada").await;
        day.is_in("Mine (ada)").await;

        desk.standin.page_online(false);
        agent.send(&room, Content::text(PROMISE)).await.unwrap();
        let message = until("a message that waits", async || {
            let page = get(&desk, &format!("/api/v1/conversations/{}/messages", taken["id"])).await;
            let all = page["data"].as_array()?.clone();
            all.into_iter().find(|message| message["content"] == PROMISE)
        })
        .await;
        let (status, _) = post(&desk, &format!("/api/v1/messages/{}/cancel", message["id"]), &json!({})).await;
        assert!((200..300).contains(&status));
        desk.standin.page_online(true);
        let failure = day.notice("This was not sent").await;
        day.taps(&failure.event_id, "🔁").await;
        phone_shows(&customer, PROMISE).await;

        day.taps(&card.event_id, "💤").await;
        day.stands("asleep", |found| found["status"] == "snoozed").await;
        day.is_in("Snoozed").await;
        (taken["id"].as_i64().unwrap(), card)
    };

    // Killed while the customer wakes it: the room is where the desk has it.
    customer.write(THANKS);
    desk.crm.kill_9();
    desk.crm.serve().await;
    desk.crm.until_ready().await;
    let day = Day {
        desk: &desk,
        agent: &agent,
        space,
        room: room.clone(),
    };
    day.stands("awake", |found| found["status"] == "open").await;
    day.is_in("Mine (ada)").await;
    day.taps(&card.event_id, "✅").await;
    day.stands("closed", |found| found["status"] == "closed").await;
    day.is_in("Closed").await;
    agent.send(&room, Content::text("!reopen")).await.unwrap();
    day.is_in("Mine (ada)").await;
    agent.send(&room, Content::text("!assign nobody")).await.unwrap();
    day.is_in("Unassigned").await;
    assert_eq!(
        agent.state(&room, "m.room.topic", "").await.unwrap()["topic"],
        "WhatsApp +447700900404 · open"
    );

    let texts: Vec<String> = customer.inbox().into_iter().map(|shown| shown.text).collect();
    assert_eq!(texts, [PROMISE], "reactions stay inside");
    let events = desk
        .crm
        .lines_within(
            Duration::from_secs(30),
            &["tail", "--since", "0", "--idle", "1s", "-o", "ndjson"],
        )
        .await;
    let of = |kind: &str| {
        let theirs = |event: &&Value| event["conversation_id"] == id && event["type"] == kind;
        events.iter().filter(theirs).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("conversation.assigned").len(), of("message.queued").len()),
        (2, 1),
        "each once"
    );
    let stood = of("conversation.updated").into_iter();
    let mut stood: Vec<&str> = stood.filter_map(|event| event["data"]["status"].as_str()).collect();
    stood.dedup();
    assert!(stood.ends_with(&["snoozed", "open", "closed", "open"]), "{stood:?}");
}
