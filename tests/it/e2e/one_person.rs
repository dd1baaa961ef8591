//! Somebody who comes by LID, then by number, then by username: one customer, one conversation, one room, once WhatsApp tells
//! that they are one. A person parts them and merges them again, and no message is moved wrongly: in the database, on the
//! WebSocket, in the rooms and in the export.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Agent, Client, Content};
use testbed::standin::{Address, NewCustomer};

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

async fn heard(socket: &mut Socket, text: &str) -> Value {
    told(socket, "message.received", |data| data["content"] == text).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_by_lid_number_and_username_has_one_conversation_and_one_room_and_can_be_parted() {
    if testbed::quick() {
        return;
    }
    let desk = Desk::ready(Plan::with_matrix()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
    let mut socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
    let ada = desk.standin.add_customer(NewCustomer::by_lid("Ada", NUMBER, LID));
    ada.keep_apart();

    // By LID, then by number, and nobody tells that the two are one.
    ada.write("by lid");
    let first = heard(&mut socket, "by lid").await;
    let room = agent.until_room("Ada", PATIENCE).await.unwrap().room_id;
    ada.go_by(Address::Phone);
    ada.write("by number");
    let second = heard(&mut socket, "by number").await;
    assert_ne!(first["conversation_id"], second["conversation_id"]);
    let other = |candidate: &testbed::agents::Room| candidate.name == "Ada" && candidate.room_id != room;
    let other = agent
        .until_room_where("the second room", other, PATIENCE)
        .await
        .unwrap()
        .room_id;

    // WhatsApp tells it.
    ada.become_one();
    ada.write("as one");
    let merged = told(&mut socket, "customer.merged", |_| true).await;
    let (one, two) = (
        first["customer_id"].as_i64().unwrap(),
        second["customer_id"].as_i64().unwrap(),
    );
    assert_eq!(
        (
            &merged["automatic"],
            &merged["customer"]["id"],
            &merged["merged_customer_id"]
        ),
        (&json!(true), &json!(one), &json!(two))
    );
    assert_eq!(
        heard(&mut socket, "as one").await["conversation_id"],
        first["conversation_id"]
    );
    ada.set_username("ada.bakes");
    ada.go_by(Address::Lid);
    ada.write("by username");
    assert_eq!(
        heard(&mut socket, "by username").await["conversation_id"],
        first["conversation_id"]
    );

    // One customer with all three identities, one conversation, one room that goes on.
    let customers = desk.crm.lines(&["export", "customers", "--format", "ndjson"]).await;
    assert_eq!(customers.len(), 1, "{customers:?}");
    let identities = desk
        .crm
        .json(&["customer", "view", &one.to_string(), "-o", "json"])
        .await["identities"]
        .clone();
    for identity in [LID, "+447700900150", "ada.bakes"] {
        let is_it = |known: &Value| known["value"] == identity && known["current"] == true;
        assert!(
            identities.as_array().unwrap().iter().any(is_it),
            "{identity} in {identities}"
        );
    }
    let listed = desk.crm.lines(&["conversation", "list", "-o", "ndjson"]).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    for text in ["by lid", "as one", "by username"] {
        let shows = |message: &testbed::agents::Message| message.body().contains(text);
        agent.until_message(&room, shows, PATIENCE).await.unwrap();
    }
    let leads_on = |message: &testbed::agents::Message| message.body().contains(&room);
    agent.until_message(&other, leads_on, PATIENCE).await.unwrap();
    agent.send(&room, Content::text("welcome")).await.unwrap();
    phone_shows(&ada, "welcome").await;
    agent
        .send(&other, Content::text("into the room that was left"))
        .await
        .unwrap();
    let together = ["by lid", "by number", "as one", "by username", "welcome"];
    assert_eq!(whose(&desk).await, all_of(one, together));

    // Parted by REST: each has what their identity wrote, and what went to it.
    let undo = format!("/api/v1/merges/{}/undo", merged["merge_id"]);
    let (status, parted) = rest(&desk, Method::POST, &undo, Value::Null).await;
    assert_eq!((status, parted["undone_at"].is_string()), (200, true), "{parted}");
    let parted = told(&mut socket, "customer.unmerged", |_| true).await;
    assert_eq!(parted["restored"]["id"], two);
    let mut apart = all_of(one, ["by lid", "by username", "welcome"]);
    apart.extend(all_of(two, ["by number", "as one"]));
    assert_eq!(whose(&desk).await, apart);
    ada.write("by lid again");
    assert_eq!(heard(&mut socket, "by lid again").await["customer_id"], one);
    ada.go_by(Address::Phone);
    ada.write("by number again");
    assert_eq!(
        heard(&mut socket, "by number again").await["customer_id"],
        two,
        "a person has said that they are two"
    );
    agent
        .until_message(&other, |message| message.body().contains("by number again"), PATIENCE)
        .await
        .unwrap();
    apart.extend(all_of(one, ["by lid again"]));
    apart.extend(all_of(two, ["by number again"]));
    assert_eq!(whose(&desk).await, apart);

    // And merged once more, from the shell.
    let (into, from) = (one.to_string(), two.to_string());
    desk.crm.json(&["customer", "merge", &into, &from, "-o", "json"]).await;
    let merged = told(&mut socket, "customer.merged", |_| true).await;
    assert_eq!(merged["automatic"], false);
    let everything = apart.into_keys().map(|text| (text, one)).collect();
    assert_eq!(whose(&desk).await, everything);
    ada.write("at last");
    assert_eq!(
        heard(&mut socket, "at last").await["conversation_id"],
        first["conversation_id"]
    );
    agent
        .until_message(&room, |message| message.body().contains("at last"), PATIENCE)
        .await
        .unwrap();
    assert_eq!(times_accepted(&desk.standin, "welcome"), 1);
    assert_eq!(times_accepted(&desk.standin, "into the room that was left"), 0);
}
