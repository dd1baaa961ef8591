//! Edits, deletions, reactions and places between the phone and Element, both ways.

use serde_json::json;
use testbed::agents::{Agent, Client, Content};

use crate::rig::customers::phone_shows;
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};
use crate::rig::media::exported;
use crate::rig::{PATIENCE, until};

const NUMBER: &str = "447700900150";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_cross_between_room_and_phone() {
    if testbed::quick() {
        return;
    }
    let desk = Desk::ready(Plan::with_matrix()).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Ada Lovelace", NUMBER);

    // In: what the customer changes, changes in the room.
    let stanza = customer.write("two *loafs*");
    let room = agent.until_room("Ada Lovelace", PATIENCE).await.unwrap().room_id;
    let shown = agent
        .until_text(&room, "Ada Lovelace: two *loafs*", PATIENCE)
        .await
        .unwrap();
    let html = "<strong data-mx-profile-fallback>Ada Lovelace: </strong>two <strong>loafs</strong>";
    assert_eq!(shown.content["formatted_body"], html);
    customer.edit(&stanza, "two loaves");
    agent
        .until_message(
            &room,
            |message| {
                let is_edit = message.related("m.replace") == Some(shown.event_id.as_str());
                is_edit && message.content["m.new_content"]["body"] == "Ada Lovelace: two loaves"
            },
            PATIENCE,
        )
        .await
        .unwrap();

    // Out: what the agent edits and reacts to, and takes back.
    let event = agent.send(&room, Content::text("ten pounds")).await.unwrap();
    phone_shows(&customer, "ten pounds").await;
    agent.send(&room, Content::edit(&event, "twelve pounds")).await.unwrap();
    let edited = customer.received(|received| received.text == "twelve pounds" && received.edited);
    let ours = tokio::time::timeout(PATIENCE, edited).await.expect("the edit crosses");
    let reaction = agent
        .send(&room, Content::reaction(&shown.event_id, "👍"))
        .await
        .unwrap();
    let reacted = async |wanted: &str| {
        until(wanted, async || {
            let rows = exported(&desk).await;
            let row = rows.iter().find(|row| row["whatsapp_id"] == stanza.as_str())?;
            let emoji = row["reactions"]
                .as_array()
                .and_then(|all| all.first()?["emoji"].as_str());
            (emoji.unwrap_or_default() == wanted).then_some(())
        })
        .await;
    };
    reacted("👍").await;
    agent.redact(&room, &reaction).await.unwrap();
    reacted("").await;

    // The customer reacts to ours, and deletes their own.
    customer.react(&ours.stanza_id, "🎉");
    agent
        .until_reaction(&room, &event, |key| key == "🎉", PATIENCE)
        .await
        .unwrap();
    let place = json!({"msgtype": "m.location", "body": "here", "geo_uri": "geo:51.5,-0.125"});
    agent.send(&room, Content::message(place)).await.unwrap();
    let there = customer.received(|received| received.kind == "location");
    tokio::time::timeout(PATIENCE, there).await.expect("the place crosses");
    customer.delete(&stanza);
    until("the deletion", async || {
        agent.look(|mirror| {
            let message = mirror.message(&room, &shown.event_id)?;
            (message.redacted || message.content.as_object()?.is_empty()).then_some(())
        })
    })
    .await;
}
