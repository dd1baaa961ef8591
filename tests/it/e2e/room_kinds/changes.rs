//! Edits, deletions, reactions and places between the phone and Element, both ways.

use serde_json::json;
use testbed::agents::Content;

use super::Scene;
use crate::rig::customers::phone_shows;
use crate::rig::media::exported;
use crate::rig::{PATIENCE, until};

/// Edits, deletions, reactions and places, both ways.
pub async fn changes_cross(scene: &Scene<'_>) {
    let Scene {
        desk,
        agent,
        customer,
        room,
        mode,
    } = *scene;
    // In: what the customer changes, changes in the room.
    let stanza = customer.write("two *loafs*");
    let shown = agent
        .until_text(room, &mode.said("two *loafs*"), PATIENCE)
        .await
        .unwrap();
    let html = shown.content["formatted_body"].as_str().unwrap();
    assert!(html.ends_with("two <strong>loafs</strong>"), "{html}");
    customer.edit(&stanza, "two loaves");
    agent
        .until_message(
            room,
            |message| {
                let is_edit = message.related("m.replace") == Some(shown.event_id.as_str());
                is_edit && message.content["m.new_content"]["body"] == mode.said("two loaves")
            },
            PATIENCE,
        )
        .await
        .unwrap();

    // Out: what the agent edits and reacts to, and takes back.
    let event = agent.send(room, Content::text("ten pounds")).await.unwrap();
    phone_shows(customer, "ten pounds").await;
    agent.send(room, Content::edit(&event, "twelve pounds")).await.unwrap();
    let edited = customer.received(|received| received.text == "twelve pounds" && received.edited);
    let ours = tokio::time::timeout(PATIENCE, edited).await.expect("the edit crosses");
    let reaction = agent
        .send(room, Content::reaction(&shown.event_id, "👍"))
        .await
        .unwrap();
    let reacted = async |wanted: &str| {
        until(wanted, async || {
            let rows = exported(desk).await;
            let row = rows.iter().find(|row| row["whatsapp_id"] == stanza.as_str())?;
            let emoji = row["reactions"]
                .as_array()
                .and_then(|all| all.first()?["emoji"].as_str());
            (emoji.unwrap_or_default() == wanted).then_some(())
        })
        .await;
    };
    reacted("👍").await;
    agent.redact(room, &reaction).await.unwrap();
    reacted("").await;

    // The customer reacts to ours, and deletes their own.
    customer.react(&ours.stanza_id, "🎉");
    agent
        .until_reaction(room, &event, |key| key == "🎉", PATIENCE)
        .await
        .unwrap();
    let place = json!({"msgtype": "m.location", "body": "here", "geo_uri": "geo:51.5,-0.125"});
    agent.send(room, Content::message(place)).await.unwrap();
    let there = customer.received(|received| received.kind == "location");
    tokio::time::timeout(PATIENCE, there).await.expect("the place crosses");
    customer.delete(&stanza);
    until("the deletion", async || {
        agent.look(|mirror| {
            let message = mirror.message(room, &shown.event_id)?;
            (message.redacted || message.content.as_object()?.is_empty()).then_some(())
        })
    })
    .await;
}
