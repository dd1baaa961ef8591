//! The rooms move from the bot to the application service, and back.

use std::time::Duration;

use testbed::agents::{Agent, Client, Content, Message, Room};
use testbed::standin::Customer;

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::{PATIENCE, until};

const BOT: &str = "@desk:localhost";
const SERVICE: &str = "@crm:localhost";

/// Waits until the server says that the move is over.
async fn moved(desk: &Desk, times: usize) {
    until("the end of the move", async || {
        let ended = desk.crm.log().matches("all rooms have moved").count();
        (ended >= times).then_some(())
    })
    .await;
}

/// Waits until a room shows a text, by whoever it is said.
async fn shows(agent: &Agent, room: &str, text: &str) -> Message {
    let is_said = |message: &Message| message.body() == text || message.body().ends_with(&format!(": {text}"));
    agent.until_message(room, is_said, PATIENCE).await.unwrap()
}

/// The bodies that one text has in a room, by whoever it is said.
async fn texts(agent: &Agent, room: &str) -> Vec<String> {
    let timeline = agent.timeline(room).await.unwrap();
    let bodies = timeline.iter().map(Message::body);
    bodies
        .map(|body| body.rsplit(": ").next().unwrap_or(body).to_owned())
        .collect()
}

/// The rooms of a Space, as its state lists them.
async fn children(agent: &Agent) -> (String, Vec<String>) {
    let space = agent.until_room("WhatsApp", PATIENCE).await.unwrap().room_id;
    let children = agent.space_children(&space).await.unwrap();
    (space, children)
}

/// While the server is away for the change of its login, customer and agent write; both arrive, once and in order, in the same
/// room. The way back is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_move_to_service_and_back() {
    if testbed::quick() {
        return;
    }
    let mut desk = Desk::ready(Plan::movable()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let ada = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Grace Hopper", "447700900123");
    customer.write("q0");
    let room = ada.until_room("Grace Hopper", PATIENCE).await.unwrap().room_id;
    let shown = shows(&ada, &room, "q0").await;
    assert_eq!(shown.sender, BOT);
    ada.send(&room, Content::text("a0")).await.unwrap();
    phone_shows(&customer, "a0").await;
    let space = children(&ada).await;

    let mut speaker = None;
    for (turn, to_service) in [(1, true), (2, false), (3, true)] {
        desk.crm.kill_9();
        ada.send(&room, Content::text(&format!("a{turn}"))).await.unwrap();
        customer.write(&format!("q{turn}"));
        desk.log_in_as(to_service, false);
        desk.crm.serve().await;
        phone_shows(&customer, &format!("a{turn}")).await;
        let shown = shows(&ada, &room, &format!("q{turn}")).await;
        speaker.get_or_insert_with(|| shown.sender.clone());
        assert_eq!(shown.sender.starts_with("@wa_"), to_service, "{}", shown.sender);
        moved(&desk, turn).await;

        // And a round trip after it.
        let event = ada.send(&room, Content::text(&format!("b{turn}"))).await.unwrap();
        phone_shows(&customer, &format!("b{turn}")).await;
        ada.until_reaction(&room, &event, |key| key == "✓✓", PATIENCE)
            .await
            .unwrap();
        customer.write(&format!("r{turn}"));
        shows(&ada, &room, &format!("r{turn}")).await;
    }
    let said = texts(&ada, &room).await;
    let of = |letter: char| {
        said.iter()
            .filter(move |body| body.len() == 2 && body.starts_with(letter))
            .cloned()
    };
    for (letter, from) in [('q', 0), ('r', 1), ('a', 0), ('b', 1)] {
        let expected: Vec<String> = (from..=3).map(|turn| format!("{letter}{turn}")).collect();
        assert_eq!(of(letter).collect::<Vec<_>>(), expected);
    }
    for turn in 1..=3 {
        for body in [format!("a{turn}"), format!("b{turn}")] {
            assert_eq!(times_accepted(&desk.standin, &body), 1, "{body}");
        }
    }
    assert_eq!(children(&ada).await, space, "one Space, the room in it once");
    let levels = ada.state(&room, "m.room.power_levels", "").await.unwrap();
    assert_eq!(
        levels["users"][SERVICE].as_i64().map(|level| level >= 100),
        Some(true),
        "{levels}"
    );
}

/// A service cannot read encrypted rooms: the next room takes the place of the old one, after all that was written there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_room_is_replaced_for_service() {
    if testbed::quick() {
        return;
    }
    let plan = Plan {
        encryption: true,
        ..Plan::movable()
    };
    let mut desk = Desk::ready(plan).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let ada = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Grace Hopper", "447700900123");
    customer.write("q0");
    let old = ada.until_room("Grace Hopper", PATIENCE).await.unwrap().room_id;
    ada.until_message(&old, |message| message.body().contains("q0"), PATIENCE)
        .await
        .unwrap();
    ada.send(&old, Content::text("a0")).await.unwrap();
    phone_shows(&customer, "a0").await;

    desk.crm.kill_9();
    for body in ["a1", "a2"] {
        ada.send(&old, Content::text(body)).await.unwrap();
    }
    customer.write("q1");
    desk.log_in_as(true, false);
    desk.crm.serve().await;
    for body in ["a1", "a2"] {
        phone_shows(&customer, body).await;
    }
    let new = until("the next room", async || {
        let tombstone = ada.state(&old, "m.room.tombstone", "").await.unwrap();
        tombstone["replacement_room"].as_str().map(str::to_owned)
    })
    .await;
    let shown = shows(&ada, &new, "q1").await;
    assert!(shown.sender.starts_with("@wa_") && !shown.encrypted, "{}", shown.sender);
    let create = ada.state(&new, "m.room.create", "").await.unwrap();
    assert_eq!(create["predecessor"]["room_id"], old.as_str());
    assert!(
        ada.send(&old, Content::text("too late")).await.is_err(),
        "nobody reads it"
    );
    moved(&desk, 1).await;
    ada.send(&new, Content::text("b1")).await.unwrap();
    phone_shows(&customer, "b1").await;
    for body in ["a0", "a1", "a2", "b1"] {
        assert_eq!(times_accepted(&desk.standin, body), 1, "{body}");
    }
    let (_, children) = children(&ada).await;
    assert_eq!(children, std::slice::from_ref(&new));
    lost_service_is_given_up(&mut desk, (&ada, &customer), &new).await;
}

/// Back as a bot, whose rooms the service can never hand over: they are given up, and each conversation goes on in a new one.
async fn lost_service_is_given_up(desk: &mut Desk, (ada, customer): (&Agent, &Customer), old: &str) {
    desk.crm.kill_9();
    customer.write("q2");
    desk.lose_service();
    let refused = desk.crm.run(&["serve"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("crm matrix abandon"),
        "{said}"
    );
    let given_up = desk.crm.run(&["matrix", "abandon", "--yes"]).await;
    assert!(given_up.status.success(), "{given_up:?}");
    desk.crm.serve().await;
    let next = until("a room of the bot's", async || {
        ada.look(|mirror| {
            let mut rooms = mirror.rooms().filter(|room| room.room_id != old);
            let shows = |room: &&Room| {
                let mut messages = mirror.messages(&room.room_id).iter();
                messages.any(|message| message.encrypted && message.body().contains("q2"))
            };
            rooms.find(shows).map(|room| room.room_id.clone())
        })
    })
    .await;
    ada.send(&next, Content::text("a3")).await.unwrap();
    phone_shows(customer, "a3").await;
    assert_eq!(times_accepted(&desk.standin, "a3"), 1);
    let again = desk.crm.run(&["matrix", "abandon", "--yes"]).await;
    assert!(!again.status.success(), "there is nothing to give up any more");
}

/// The server is killed several times on the way there and back, each time a little later, and the homeserver once on each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_moves_lose_and_double_nothing() {
    const KILLS: u32 = 4;
    if testbed::quick() {
        return;
    }
    let mut desk = Desk::ready(Plan::movable()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let ada = Agent::start(Client::Nio, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Grace Hopper", "447700900123");
    customer.write("q-");
    let room = ada.until_room("Grace Hopper", PATIENCE).await.unwrap().room_id;
    shows(&ada, &room, "q-").await;
    let (mut number, mut moves) = (0, 0);
    for to_service in [true, false] {
        desk.crm.kill_9();
        desk.log_in_as(to_service, false);
        for kill in 0..KILLS {
            ada.send(&room, Content::text(&format!("a{number}"))).await.unwrap();
            customer.write(&format!("q{number}"));
            number += 1;
            desk.crm.serve().await;
            // Anywhere in the move, and after it.
            tokio::time::sleep(Duration::from_millis(700) * kill).await;
            desk.crm.kill_9();
            if kill == 1 {
                desk.synapse.as_mut().unwrap().restart().await.unwrap();
            }
        }
        desk.crm.serve().await;
        moves += 1;
        ada.send(&room, Content::text(&format!("a{number}"))).await.unwrap();
        customer.write(&format!("q{number}"));
        phone_shows(&customer, &format!("a{number}")).await;
        shows(&ada, &room, &format!("q{number}")).await;
        number += 1;
        moved(&desk, moves).await;
    }
    let mut sent: Vec<(String, String)> = vec![];
    for accepted in desk.standin.accepted() {
        let one = (accepted.text, accepted.stanza_id);
        if one.0.starts_with('a') && !sent.contains(&one) {
            sent.push(one);
        }
    }
    let sent: Vec<String> = sent.into_iter().map(|(text, _)| text).collect();
    let expected = |letter: char| {
        (0..number)
            .map(move |number| format!("{letter}{number}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(sent, expected('a'), "each once and in order");
    let said = texts(&ada, &room).await;
    let shown: Vec<String> = said
        .into_iter()
        // Not the first message, nor a card, which ends with the last lines.
        .filter(|body| body.starts_with('q') && !body.starts_with("q-") && !body.contains('\n'))
        .collect();
    assert_eq!(shown, expected('q'), "each once and in order");
}
