//! Customer → page → database → WebSocket and room → agent's answer → customer's phone → acks → ticks.

use serde_json::json;
use testbed::agents::{Agent, Client, Content};

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan, SECOND_AGENT};
use crate::rig::management::Management;
use crate::rig::socket::Socket;
use crate::rig::{PATIENCE, until};

/// A manager links the account from the management room alone. The agent on matrix-js-sdk and the one on matrix-nio each see
/// the customer's message in an encrypted room and answer; then the manager unlinks the account again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_makes_round_trip_with_both_clients() {
    if testbed::quick() {
        return;
    }
    let desk = Desk::start(Plan::with_matrix()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let js = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
    let nio = Agent::start(Client::Nio, &url, SECOND_AGENT, PASSWORD).await.unwrap();
    let management = Management::of(&desk, &js).await;
    management.link().await;
    desk.crm.until_ready().await;
    for (agent, name, number) in [
        (&js, "Grace Hopper", "447700900123"),
        (&nio, "Alan Turing", "447700900124"),
    ] {
        round_trip(&desk, agent, name, number).await;
    }
    assert!(
        js.look(|mirror| mirror.room(&management.room).unwrap().encrypted),
        "codes cross an encrypted room"
    );
    let told = management.says("!status", "WhatsApp default: ready").await;
    assert!(told.contains("to be sent"), "{told}");
    management.unlink().await;
}

async fn round_trip(desk: &Desk, agent: &Agent, name: &str, number: &str) {
    let key = desk.crm.admin_key();
    let mut socket = Socket::follow(&desk.crm.url, &key, None).await;
    let customer = desk.standin.customer(name, number);
    let question = format!("Is the cake ready? asks {name}");
    let stanza = customer.write(&question);

    // In: the WebSocket, the room with the customer's name, the row.
    let told = socket
        .event(|frame| frame["t"] == "message.received" && frame["d"]["content"] == question)
        .await;
    assert_eq!(told["d"]["whatsapp_id"], stanza.as_str());
    assert_eq!(told["d"]["direction"], "inbound");
    let room = agent.until_room(name, PATIENCE).await.unwrap();
    let shown = agent
        .until_message(&room.room_id, |message| message.body().contains(&question), PATIENCE)
        .await
        .unwrap();
    assert!(
        shown.encrypted && shown.readable,
        "the room is encrypted and the agent reads it"
    );
    if let Some(shield) = &shown.shield {
        assert_eq!(shield.colour, "none", "no warning on the bot's messages");
    }

    // Out: the agent answers in the room, the phone shows it, once.
    let answer = format!("Yes, since nine, {name}");
    let event = agent.send(&room.room_id, Content::text(&answer)).await.unwrap();
    phone_shows(&customer, &answer).await;
    assert_eq!(times_accepted(&desk.standin, &answer), 1);

    // Acks: the phone has it, then the customer reads it; row, socket and room follow.
    let delivered = |state: &'static str| {
        let answer = answer.clone();
        move |frame: &serde_json::Value| {
            frame["t"] == "message.state" && frame["d"]["content"] == answer.as_str() && frame["d"]["state"] == state
        }
    };
    let frame = socket.event(delivered("delivered")).await;
    assert_eq!(frame["d"]["ack"], 2);
    let ticked = async |wanted: &str| {
        let ticked = agent.until_reaction(&room.room_id, &event, |key| key == wanted, PATIENCE);
        if let Err(error) = ticked.await {
            panic!("no {wanted}: {error:?}; the server says:\n{}", desk.crm.log());
        }
    };
    ticked("✓✓").await;
    customer.read_all();
    let frame = socket.event(delivered("read")).await;
    assert_eq!(frame["d"]["ack"], 3);
    let message = frame["d"]["id"].as_i64().unwrap();
    ticked("✓✓ read").await;
    let bot = shown.sender.clone();
    agent.until_read(&room.room_id, &bot, &event, PATIENCE).await.unwrap();

    // The export agrees with all of them.
    let exported = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    let row = exported
        .iter()
        .find(|row| row["id"] == message)
        .expect("the answer is in the export");
    assert_eq!(
        (&row["state"], &row["ack"], &row["content"]),
        (&json!("read"), &json!(3), &json!(answer))
    );
    assert_eq!(row["author"]["origin"], "matrix");
    assert!(
        exported
            .iter()
            .any(|row| row["whatsapp_id"] == stanza.as_str() && row["content"] == question.as_str())
    );

    // Like a person: the customer's message was marked read before the answer went out.
    let read = desk.standin.read_receipts();
    assert!(!read.is_empty(), "the customer sees that they were read");
    until("nothing is unread any more", async || {
        let rows = desk.crm.lines(&["customer", "list", "-o", "ndjson"]).await;
        rows.iter()
            .find(|row| row["name"] == name)
            .filter(|row| row["unread_count"] == 0)
            .map(|_| ())
    })
    .await;
}

/// With an application service, where the customer is a user of their own. The server is killed between the customer's two messages; the agent writes while it is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customer_as_own_user_makes_round_trip_over_kill() {
    if testbed::quick() {
        return;
    }
    let mut desk = Desk::ready(Plan::as_service()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let ada = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Grace Hopper", "447700900123");
    customer.write("Is the cake ready?");
    let room = ada.until_room("Grace Hopper", PATIENCE).await.unwrap();
    let shown = ada
        .until_text(&room.room_id, "Is the cake ready?", PATIENCE)
        .await
        .unwrap();
    assert!(shown.sender.starts_with("@wa_") && !shown.encrypted, "{}", shown.sender);
    assert!(!shown.sender.contains("447700900123"), "no number in a user's id");
    let member = ada.state(&room.room_id, "m.room.member", &shown.sender).await.unwrap();
    assert_eq!(member["displayname"], "Grace Hopper");

    let event = ada.send(&room.room_id, Content::text("Yes, since nine")).await.unwrap();
    phone_shows(&customer, "Yes, since nine").await;
    let ticked = ada.until_reaction(&room.room_id, &event, |key| key == "✓✓", PATIENCE);
    if let Err(error) = ticked.await {
        panic!("no tick: {error:?}; the server says:\n{}", desk.crm.log());
    }
    customer.read_all();
    // Her own receipt says that she has read it.
    ada.until_read(&room.room_id, &shown.sender, &event, PATIENCE)
        .await
        .unwrap();

    desk.crm.kill_9();
    ada.send(&room.room_id, Content::text("Shall I keep it?"))
        .await
        .unwrap();
    customer.write("I come at ten");
    desk.crm.serve().await;
    desk.crm.until_ready().await;
    phone_shows(&customer, "Shall I keep it?").await;
    let second = ada.until_text(&room.room_id, "I come at ten", PATIENCE).await.unwrap();
    assert_eq!(second.sender, shown.sender);
    for text in ["Yes, since nine", "Shall I keep it?"] {
        assert_eq!(times_accepted(&desk.standin, text), 1, "{text}");
    }
    until("nothing is unread any more", async || {
        let rows = desk.crm.lines(&["customer", "list", "-o", "ndjson"]).await;
        ada.read(&room.room_id, &second.event_id).await.unwrap();
        rows.iter().all(|row| row["unread_count"] == 0).then_some(())
    })
    .await;
    let checked = desk.crm.json(&["matrix", "check", "-o", "json"]).await;
    assert!(
        checked
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["verdict"] == "ok"),
        "{checked}"
    );
}
