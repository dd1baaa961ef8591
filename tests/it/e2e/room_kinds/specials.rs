//! Kinds beside text and file: typing, contacts, polls, and how far a message is.

use serde_json::{Value, json};
use testbed::agents::{Content, Message};
use testbed::standin::{Draft, Received};

use super::{PATIENCE, Scene};
use crate::rig::customers::phone_shows;
use crate::rig::room_files::RoomFiles;
use crate::rig::until;

const VCARD: &str = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nTEL;type=CELL:+447700900999\nEND:VCARD";
const START: &str = "org.matrix.msc3381.poll.start";
const RESPONSE: &str = "org.matrix.msc3381.poll.response";
const TEXT: &str = "org.matrix.msc1767.text";
const STATUS: &str = "com.beeper.message_send_status";

impl Scene<'_> {
    async fn room_shows(&self, is: impl Fn(&Message) -> bool) -> Message {
        self.agent.until_message(self.room, is, PATIENCE).await.unwrap()
    }

    async fn phone_gets(&self, is: impl Fn(&Received) -> bool + Send + Sync + 'static) -> Received {
        let shown = self.customer.received(is);
        tokio::time::timeout(PATIENCE, shown).await.expect("the phone shows it")
    }
}

/// The customer's typing in the room, and where it is not switched off, the agent's on the phone.
pub async fn typing_is_shown(scene: &Scene<'_>) {
    let Scene { desk, agent, room, .. } = *scene;
    let shows = async |users: &[&str]| {
        let is = |mirror: &testbed::agents::Mirror| (mirror.typing(room) == users).then_some(());
        agent.until("the customer's typing", PATIENCE, is).await.unwrap();
    };
    scene.customer.typing("composing");
    shows(&[scene.mode.speaker]).await;
    scene.customer.typing("paused");
    shows(&[]).await;
    if scene.mode.service {
        let before = desk.standin.typing().len();
        agent.typing(room, true).await.unwrap();
        until("the agent's typing", async || {
            let typing = desk.standin.typing();
            typing[before..]
                .iter()
                .any(|one| one.state == "composing")
                .then_some(())
        })
        .await;
        agent.typing(room, false).await.unwrap();
        until("its end", async || {
            let typing = desk.standin.typing();
            typing.last().is_some_and(|one| one.state == "paused").then_some(())
        })
        .await;
    }
}

pub async fn contacts_cross(scene: &Scene<'_>, files: &RoomFiles) {
    scene.customer.send(Draft::contact("Bob", VCARD));
    let line = "[contact: Bob, +447700900999]";
    let shown = scene
        .room_shows(|message| message.body() == scene.mode.said(line))
        .await;
    let html = shown.content["formatted_body"].as_str().unwrap();
    assert!(
        html.contains(r#"<a href="tel:+447700900999">+447700900999</a>"#),
        "{html}"
    );
    let card = json!({"msgtype": "m.file", "body": "Bob.vcf", "info": {"mimetype": "text/vcard"}});
    let card = files.upload(VCARD.as_bytes(), scene.mode.encryption, card).await;
    scene.agent.send(scene.room, Content::message(card)).await.unwrap();
    let there = scene.phone_gets(|received| received.kind == "vcard").await;
    assert!(there.attachment.is_none(), "{there:?}");

    scene.customer.send(Draft::location(51.5, -0.125, "London Eye"));
    let place = scene.room_shows(|message| message.msgtype() == "m.location" && message.sender == scene.mode.speaker);
    assert_eq!(place.await.content["geo_uri"], "geo:51.5,-0.125");
}

pub async fn polls_cross(scene: &Scene<'_>) {
    let Scene {
        customer, agent, mode, ..
    } = *scene;
    let stanza = customer.send(Draft::poll("When?", &["nine", "ten"], 1));
    let asked = scene
        .room_shows(|message| message.kind == START && message.sender == mode.speaker)
        .await;
    assert_eq!(asked.content[START]["question"][TEXT], mode.said("When?"));
    assert_eq!(asked.content[START]["answers"][1], json!({"id": "1", TEXT: "ten"}));
    customer.vote(&stanza, &["ten"]);
    voted(scene, &asked.event_id, "1", "ten").await;

    let answer = |id: &str, text: &str| json!({"id": id, TEXT: text});
    let start = json!({
        "question": {TEXT: "Pick-up?", "msgtype": "m.text", "body": "Pick-up?"},
        "kind": "org.matrix.msc3381.poll.disclosed",
        "max_selections": 1,
        "answers": [answer("a1", "yes"), answer("b2", "no")],
    });
    let poll = Content {
        kind: START.to_owned(),
        content: json!({START: start, TEXT: "Pick-up? yes no"}),
    };
    let event = agent.send(scene.room, poll).await.unwrap();
    let there = scene.phone_gets(|received| received.kind == "poll_creation").await;
    assert_eq!(there.details["pollName"], "Pick-up?");
    customer.vote(&there.stanza_id, &["no"]);
    voted(scene, &event, "b2", "no").await;

    // The library of WhatsApp Web cannot vote: the agent is told.
    let vote = json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": asked.event_id}, RESPONSE: {"answers": ["0"]},
    });
    let vote = Content {
        kind: RESPONSE.to_owned(),
        content: vote,
    };
    agent.send(scene.room, vote).await.unwrap();
    scene
        .room_shows(|message| message.body().starts_with("Not sent: crm cannot vote"))
        .await;
}

/// The customer's user votes as they do; where they have none, a line says it.
async fn voted(scene: &Scene<'_>, poll: &str, id: &str, name: &str) {
    let line = format!("Ada Lovelace voted for: {name}");
    let vote: Value = json!([id]);
    scene
        .room_shows(|message| {
            if scene.mode.service {
                let is_theirs = message.kind == RESPONSE && message.sender == scene.mode.speaker;
                let is_of_poll = message.related("m.reference") == Some(poll);
                is_theirs && is_of_poll && message.content[RESPONSE]["answers"] == vote
            } else {
                message.body() == line && message.in_reply_to() == Some(poll)
            }
        })
        .await;
}

pub async fn client_knows_how_far_messages_are(scene: &Scene<'_>) {
    let event = scene
        .agent
        .send(scene.room, Content::text("ready at ten"))
        .await
        .unwrap();
    phone_shows(scene.customer, "ready at ten").await;
    let told = scene
        .room_shows(|message| {
            let is_status = message.kind == STATUS && message.related("m.reference") == Some(event.as_str());
            is_status && message.content["delivered_to_users"] == json!([scene.mode.speaker])
        })
        .await;
    assert_eq!(
        (&told.content["status"], &told.content["network"], told.encrypted),
        (&json!("SUCCESS"), &json!("whatsapp"), scene.mode.encryption)
    );
}
