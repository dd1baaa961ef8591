//! The same round trip with an application service, where the customer is a user of their own.

use testbed::agents::{Agent, Client, Content};

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::{PATIENCE, until};

/// The server is killed between the customer's two messages; the agent writes while it is away.
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
