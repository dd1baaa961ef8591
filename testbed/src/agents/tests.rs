use std::time::Duration;

use super::{Agent, Client, Content, NewRoom};
use crate::quick;
use crate::servers::{Synapse, SynapseOptions};

const SOON: Duration = Duration::from_secs(30);

/// A homeserver with Anna on matrix-js-sdk and Nils on matrix-nio, both in a room of Anna's.
async fn two_people(encrypted: bool) -> (Synapse, Agent, Agent, String) {
    let synapse = Synapse::start(SynapseOptions::default()).await.unwrap();
    for user in ["anna", "nils"] {
        synapse.register(user, "secret").await.unwrap();
    }
    let anna = Agent::start(Client::Js, &synapse.url(), "anna", "secret")
        .await
        .unwrap();
    let nils = Agent::start(Client::Nio, &synapse.url(), "nils", "secret")
        .await
        .unwrap();
    let room = NewRoom {
        name: "Desk",
        encrypted,
        invite: &[nils.user_id()],
    };
    let room_id = anna.create_room(room).await.unwrap();
    for agent in [&anna, &nils] {
        let all = |room: &super::Room| room.name == "Desk" && room.members.len() == 2;
        let seen = agent.until_room_where("the desk with both", all, SOON).await.unwrap();
        assert_eq!((seen.room_id.as_str(), seen.encrypted), (room_id.as_str(), encrypted));
    }
    (synapse, anna, nils, room_id)
}

#[tokio::test]
async fn js_and_nio_clients_share_encrypted_room() {
    if quick() {
        return;
    }
    let (_synapse, anna, nils, room) = two_people(true).await;

    let hello = anna.send(&room, Content::text("hello")).await.unwrap();
    let seen = nils.until_text(&room, "hello", SOON).await.unwrap();
    assert_eq!(
        (seen.event_id.as_str(), seen.sender.as_str()),
        (hello.as_str(), anna.user_id())
    );
    assert!(seen.encrypted && seen.readable);

    let answer = nils
        .send(&room, Content::reply(&hello, "hello yourself"))
        .await
        .unwrap();
    let seen = anna.until_text(&room, "hello yourself", SOON).await.unwrap();
    assert!(seen.encrypted && seen.readable);
    assert_eq!(seen.in_reply_to(), Some(hello.as_str()));
    let shield = seen.shield.expect("matrix-js-sdk has shields");
    assert_ne!(
        shield.colour, "none",
        "nio signs no devices, which a client that shows shields must notice"
    );

    anna.send(&room, Content::reaction(&answer, "✓")).await.unwrap();
    let reaction = nils.until_reaction(&room, &answer, |_| true, SOON).await.unwrap();
    assert_eq!(reaction, "✓");

    anna.send(&room, Content::edit(&hello, "hello there")).await.unwrap();
    let edit = nils
        .until_message(&room, |seen| seen.related("m.replace") == Some(&hello), SOON)
        .await
        .unwrap();
    assert_eq!(edit.content["m.new_content"]["body"], "hello there");

    nils.read(&room, &hello).await.unwrap();
    anna.until_read(&room, nils.user_id(), &hello, SOON).await.unwrap();

    anna.redact(&room, &hello).await.unwrap();
    let redacted = |seen: &super::Message| seen.event_id == hello && seen.redacted;
    nils.until_message(&room, redacted, SOON).await.unwrap();
    anna.until_message(&room, redacted, SOON).await.unwrap();

    let trust = anna.trust(anna.user_id()).await.unwrap();
    assert!(trust.cross_signing);
    let own = trust
        .devices
        .iter()
        .find(|device| device.device_id == anna.device_id())
        .unwrap();
    assert!(own.signed_by_owner);
    assert!(!anna.trust(nils.user_id()).await.unwrap().cross_signing);

    for agent in [&anna, &nils] {
        assert!(
            agent.look(|mirror| mirror.trouble().is_empty()),
            "{:?}",
            agent.look(|m| m.trouble().to_vec())
        );
    }
}

#[tokio::test]
async fn sends_during_outage_arrive_once_in_order() {
    if quick() {
        return;
    }
    let (mut synapse, anna, nils, room) = two_people(false).await;
    for agent in [&anna, &nils] {
        let first = format!("{} first", agent.user_id());
        agent.send(&room, Content::text(&first)).await.unwrap();
    }
    synapse.kill_9();
    let sends = async |agent: &Agent| {
        let user = agent.user_id();
        let [one, two] = ["one", "two"].map(|word| Content::text(&format!("{user} {word}")));
        tokio::try_join!(agent.send(&room, one), agent.send(&room, two)).map(drop)
    };
    let restart = async { synapse.restart().await };
    tokio::try_join!(sends(&anna), sends(&nils), restart).unwrap();

    for agent in [&anna, &nils] {
        for writer in [&anna, &nils] {
            agent
                .until_text(&room, &format!("{} two", writer.user_id()), SOON)
                .await
                .unwrap();
        }
        let timeline = agent.timeline(&room).await.unwrap();
        for writer in [&anna, &nils] {
            let bodies: Vec<&str> = timeline
                .iter()
                .filter(|seen| seen.sender == writer.user_id() && seen.kind == "m.room.message")
                .map(super::Message::body)
                .collect();
            let user = writer.user_id();
            assert_eq!(
                bodies,
                [format!("{user} first"), format!("{user} one"), format!("{user} two")]
            );
        }
    }
}

#[tokio::test]
async fn client_sees_typing_and_leave() {
    if quick() {
        return;
    }
    let (_synapse, anna, nils, room) = two_people(false).await;
    nils.typing(&room, true).await.unwrap();
    let typing = |mirror: &super::Mirror| (mirror.typing(&room) == [nils.user_id()]).then_some(());
    anna.until("Nils to type", SOON, typing).await.unwrap();
    nils.leave(&room).await.unwrap();
    let alone = |seen: &super::Room| seen.members == [anna.user_id()];
    anna.until_room_where("a room without Nils", alone, SOON).await.unwrap();
    assert_eq!(
        anna.membership(&room, nils.user_id()).await.unwrap().as_deref(),
        Some("leave")
    );
}
