//! The rooms move from the bot to the application service, and back.

use testbed::agents::{Agent, Client, Content, Message};

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

/// The bodies that one text has in a room, by whoever it is said.
async fn texts(agent: &Agent, room: &str) -> Vec<String> {
    let timeline = agent.timeline(room).await.unwrap();
    let bodies = timeline.iter().map(Message::body);
    bodies.map(|body| body.rsplit(": ").next().unwrap_or(body).to_owned()).collect()
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
    let shown = ada.until_text(&room, "q0", PATIENCE).await.unwrap();
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
        let shown = ada.until_text(&room, &format!("q{turn}"), PATIENCE).await.unwrap();
        speaker.get_or_insert_with(|| shown.sender.clone());
        assert_eq!(shown.sender.starts_with("@wa_"), to_service, "{}", shown.sender);
        moved(&desk, turn).await;

        // And a round trip after it.
        let event = ada.send(&room, Content::text(&format!("b{turn}"))).await.unwrap();
        phone_shows(&customer, &format!("b{turn}")).await;
        ada.until_reaction(&room, &event, |key| key == "✓✓", PATIENCE).await.unwrap();
        customer.write(&format!("r{turn}"));
        ada.until_text(&room, &format!("r{turn}"), PATIENCE).await.unwrap();
    }
    let said = texts(&ada, &room).await;
    let of = |letter: char| said.iter().filter(move |body| body.len() == 2 && body.starts_with(letter)).cloned();
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
    assert_eq!(levels["users"][SERVICE].as_i64().map(|level| level >= 100), Some(true), "{levels}");
}
