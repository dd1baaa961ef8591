//! Somebody who comes by LID, then by number, then by username: one customer, one conversation, one room, once WhatsApp tells
//! that they are one. A person parts them and merges them again, and no message is moved wrongly: in the database, on the
//! WebSocket, in the rooms and in the export.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Agent, Client, Content, Message, Room};
use testbed::standin::{Address, Customer, NewCustomer};

use crate::rig::PATIENCE;
use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::media::exported;
use crate::rig::socket::Socket;
use crate::rig::told::{rest, told};

const LID: &str = "88000150";
const NUMBER: &str = "447700900150";

/// Each message with its customer, as the export has them; every one is there once.
async fn whose(desk: &Desk) -> BTreeMap<String, i64> {
    let rows = exported(desk).await;
    let whose: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| {
            (
                row["content"].as_str().unwrap().to_owned(),
                row["customer_id"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(whose.len(), rows.len(), "{rows:?}");
    whose
}

fn all_of<const N: usize>(customer: i64, texts: [&str; N]) -> BTreeMap<String, i64> {
    texts.map(|text| (text.to_owned(), customer)).into()
}

struct Rig {
    desk: Desk,
    agent: Agent,
    socket: Socket,
    ada: Customer,
    /// Her conversation by LID, its customer and its room: the ones that go on.
    conversation: Value,
    one: i64,
    room: String,
    /// The customer and the room of what she wrote by number.
    two: i64,
    other: String,
}

impl Rig {
    /// She comes by LID, then by number, and nobody tells that the two are one.
    async fn met() -> Self {
        let desk = Desk::ready(Plan::with_matrix()).await;
        let url = desk.synapse.as_ref().unwrap().url();
        let agent = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
        let socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
        let ada = desk.standin.add_customer(NewCustomer::by_lid("Ada", NUMBER, LID));
        ada.keep_apart();
        let mut rig = Self {
            desk,
            agent,
            socket,
            ada,
            conversation: Value::Null,
            one: 0,
            room: String::new(),
            two: 0,
            other: String::new(),
        };
        let first = rig.hears("by lid").await;
        rig.room = rig.agent.until_room("Ada", PATIENCE).await.unwrap().room_id;
        rig.ada.go_by(Address::Phone);
        let second = rig.hears("by number").await;
        assert_ne!(first["conversation_id"], second["conversation_id"]);
        let other = |candidate: &Room| candidate.name == "Ada" && candidate.room_id != rig.room;
        let other = rig.agent.until_room_where("the second room", other, PATIENCE).await;
        rig.other = other.unwrap().room_id;
        rig.conversation = first["conversation_id"].clone();
        rig.one = first["customer_id"].as_i64().unwrap();
        rig.two = second["customer_id"].as_i64().unwrap();
        rig
    }

    /// She writes, and that is told.
    async fn hears(&mut self, text: &str) -> Value {
        self.ada.write(text);
        told(&mut self.socket, "message.received", |data| data["content"] == text).await
    }

    async fn shows(&self, room: &str, text: &str) {
        let shows = |message: &Message| message.body().contains(text);
        self.agent.until_message(room, shows, PATIENCE).await.unwrap();
    }

    /// WhatsApp tells that the two are one; gives the merge.
    async fn become_one(&mut self) -> Value {
        self.ada.become_one();
        self.ada.write("as one");
        let merged = told(&mut self.socket, "customer.merged", |_| true).await;
        let is_it = |data: &Value| data["content"] == "as one";
        let as_one = told(&mut self.socket, "message.received", is_it).await;
        assert_eq!(as_one["conversation_id"], self.conversation);
        self.ada.set_username("ada.bakes");
        self.ada.go_by(Address::Lid);
        assert_eq!(self.hears("by username").await["conversation_id"], self.conversation);
        assert_eq!(
            (
                &merged["automatic"],
                &merged["customer"]["id"],
                &merged["merged_customer_id"]
            ),
            (&json!(true), &json!(self.one), &json!(self.two))
        );
        merged
    }

    /// One customer with all three identities, one conversation, and one room that goes on.
    async fn is_one(&self) {
        let customers = self
            .desk
            .crm
            .lines(&["export", "customers", "--format", "ndjson"])
            .await;
        assert_eq!(customers.len(), 1, "{customers:?}");
        let one = self.one.to_string();
        let identities = self.desk.crm.json(&["customer", "view", &one, "-o", "json"]).await["identities"].clone();
        for identity in [LID, "+447700900150", "ada.bakes"] {
            let is_it = |known: &Value| known["value"] == identity && known["current"] == true;
            assert!(
                identities.as_array().unwrap().iter().any(is_it),
                "{identity} in {identities}"
            );
        }
        let listed = self.desk.crm.lines(&["conversation", "list", "-o", "ndjson"]).await;
        assert_eq!(listed.len(), 1, "{listed:?}");
        for text in ["by lid", "as one", "by username"] {
            self.shows(&self.room, text).await;
        }
        self.shows(&self.other, &self.room).await;
        self.agent.send(&self.room, Content::text("welcome")).await.unwrap();
        phone_shows(&self.ada, "welcome").await;
        let left = Content::text("into the room that was left");
        let left = self.agent.send(&self.other, left).await.unwrap();
        let is_answered = |message: &Message| message.in_reply_to() == Some(left.as_str());
        self.agent
            .until_message(&self.other, is_answered, PATIENCE)
            .await
            .unwrap();
        let together = ["by lid", "by number", "as one", "by username", "welcome"];
        assert_eq!(whose(&self.desk).await, all_of(self.one, together));
    }

    /// Parted by REST: each has what their identity wrote, and what went to it. Gives what is whose.
    async fn part(&mut self, merge: &Value) -> BTreeMap<String, i64> {
        let undo = format!("/api/v1/merges/{}/undo", merge["merge_id"]);
        let (status, undone) = rest(&self.desk, Method::POST, &undo, Value::Null).await;
        assert_eq!((status, undone["undone_at"].is_string()), (200, true), "{undone}");
        let parted = told(&mut self.socket, "customer.unmerged", |_| true).await;
        assert_eq!(parted["restored"]["id"], self.two);
        let mut apart = all_of(self.one, ["by lid", "by username", "welcome"]);
        apart.extend(all_of(self.two, ["by number", "as one"]));
        assert_eq!(whose(&self.desk).await, apart);
        assert_eq!(self.hears("by lid again").await["customer_id"], self.one);
        self.ada.go_by(Address::Phone);
        let again = self.hears("by number again").await;
        assert_eq!(again["customer_id"], self.two, "a person has said that they are two");
        self.shows(&self.other, "by number again").await;
        apart.extend(all_of(self.one, ["by lid again"]));
        apart.extend(all_of(self.two, ["by number again"]));
        assert_eq!(whose(&self.desk).await, apart);
        apart
    }
}

/// The customer can be parted and merged again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lid_number_and_username_share_one_room() {
    if testbed::quick() {
        return;
    }
    let mut rig = Rig::met().await;
    let merge = rig.become_one().await;
    rig.is_one().await;
    let apart = rig.part(&merge).await;

    // And merged once more, from the shell.
    let (into, from) = (rig.one.to_string(), rig.two.to_string());
    rig.desk
        .crm
        .json(&["customer", "merge", &into, &from, "-o", "json"])
        .await;
    let merged = told(&mut rig.socket, "customer.merged", |data| data["automatic"] == false).await;
    assert_eq!(merged["customer"]["id"], rig.one);
    let everything = apart.into_keys().map(|text| (text, rig.one)).collect();
    assert_eq!(whose(&rig.desk).await, everything);
    assert_eq!(rig.hears("at last").await["conversation_id"], rig.conversation);
    rig.shows(&rig.room, "at last").await;
    assert_eq!(times_accepted(&rig.desk.standin, "welcome"), 1);
    assert_eq!(times_accepted(&rig.desk.standin, "into the room that was left"), 0);
}
