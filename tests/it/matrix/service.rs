//! The application service against a real homeserver: customers are users of their own.

use crm::domain::matrix::{Avatar, Matrix, RoomContent, RoomFile, Speaker, TxnId};
use crm::domain::media::FileKind;
use crm::domain::{CustomerId, Timestamp};
use crm::matrix::{Judgement, Registration, check};
use serde_json::json;
use testbed::agents::{Client, Content, Message, NewRoom};
use testbed::quick;

use super::desk::{SOON, ada, person, spec, text, until};
use super::service_desk::{AS_TOKEN, HS_TOKEN, ServiceDesk, homeserver};

const ADA: &str = "@wa_1:localhost";
const US: &str = "@crm:localhost";

fn named(name: &str) -> Speaker {
    Speaker::Customer {
        id: CustomerId(1),
        name: name.to_owned(),
        avatar: None,
    }
}

#[tokio::test]
async fn customer_speaks_as_own_user_with_name_and_picture() {
    if quick() {
        return;
    }
    let (synapse, options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    let desk = ServiceDesk::follow(options, port, None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture");
    std::fs::write(&path, b"\x89PNG and what else is in it").unwrap();
    let avatar = Avatar {
        address: "/api/v1/media/7".to_owned(),
        path: path.clone(),
        mimetype: "image/png".to_owned(),
    };
    let service = desk.service.clone();
    assert!(
        service
            .wants_avatar(CustomerId(1), Some(&avatar.address))
            .await
            .unwrap()
    );
    service.set_avatar(CustomerId(1), Some(&avatar)).await.unwrap();
    let room = service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap();
    let here = room.as_str();
    let asked = desk.say(&room, &ada(), "i.1.0", &text("how much?")).await;
    let seen = nils.until_text(here, "how much?", SOON).await.unwrap();
    assert_eq!((seen.sender.as_str(), seen.encrypted), (ADA, false));
    let member = nils.state(here, "m.room.member", ADA).await.unwrap();
    let picture = member["avatar_url"].as_str().unwrap_or_default().to_owned();
    assert_eq!(member["displayname"], "Ada");
    assert!(picture.starts_with("mxc://localhost/"), "{member}");

    // The second message needs nothing but the message; others speak through our own user, with their names.
    desk.say(&room, &ada(), "i.2.0", &text("please")).await;
    desk.say(&room, &Speaker::Phone, "i.3.0", &text("ten")).await;
    let phone = nils.until_text(here, "You (phone): ten", SOON).await.unwrap();
    assert_eq!(phone.sender, US);
    let second = nils.until_text(here, "please", SOON).await.unwrap();
    assert_eq!(second.sender, ADA);

    // A file, and the name that she has by now.
    let file = RoomContent::File {
        file: RoomFile {
            path,
            name: "cat.png".to_owned(),
            mimetype: "image/png".to_owned(),
            size: 27,
            caption: Some("look".to_owned()),
            kind: FileKind::Image,
            pixels: None,
            duration_s: None,
            waveform: vec![],
            thumbnail: None,
        },
        reply_to: None,
    };
    desk.say(&room, &named("Ada Lovelace"), "i.4.0", &file).await;
    let cat = nils.until_text(here, "look", SOON).await.unwrap();
    assert_eq!((cat.sender.as_str(), cat.msgtype()), (ADA, "m.image"));
    until("the new name", async || {
        let member = nils.state(here, "m.room.member", ADA).await.unwrap();
        (member["displayname"] == "Ada Lovelace" && member["avatar_url"] == picture.as_str()).then_some(())
    })
    .await;

    // Ticks are ours, her receipt is hers, and what is ours can be found and taken back.
    let answer = nils.send(here, Content::text("ten pounds")).await.unwrap();
    desk.until_text("ten pounds").await;
    let answer = answer.as_str().into();
    service.mark_read(&room, Some(CustomerId(1)), &answer).await.unwrap();
    nils.until_read(here, ADA, answer.as_str(), SOON).await.unwrap();
    // She who never wrote has no user in the room.
    service.mark_read(&room, Some(CustomerId(2)), &answer).await.unwrap();
    nils.until_read(here, US, answer.as_str(), SOON).await.unwrap();
    let txn = |id: &str| TxnId(id.to_owned());
    assert_eq!(
        service.find_sent(&room, &txn("i.1.0")).await.unwrap(),
        Some(asked.clone())
    );
    assert_eq!(service.find_sent(&room, &txn("i.9.0")).await.unwrap(), None);
    let up_to = service.events_up_to(&room, &answer).await.unwrap();
    assert!(up_to.first() == Some(&answer) && up_to.contains(&asked));
    service.redact(&room, &asked, &txn("i.1.gone")).await.unwrap();
    nils.until("the redaction", SOON, |mirror| {
        mirror
            .message(here, asked.as_str())
            .filter(|seen| seen.redacted)
            .map(drop)
    })
    .await
    .unwrap();

    reaction_and_picture_are_hers(&desk, &nils, (&room, &answer), &avatar).await;

    // What was said before the room stands there at its time, and a repeat of it is the same event.
    let long_ago = Timestamp(1_600_000_000_000);
    let (speaker, id, said) = (ada(), txn("i.5.past"), text("long ago"));
    let past = service.send_at(&room, &speaker, &id, &said, long_ago).await.unwrap();
    let seen = nils.until_text(here, "long ago", SOON).await.unwrap();
    assert_eq!((seen.sender.as_str(), seen.timestamp), (ADA, long_ago.0));
    let again = service.send_at(&room, &speaker, &id, &said, long_ago).await;
    assert_eq!(again.unwrap(), past);

    // After a restart nothing is written again, and what was written counts.
    let (options, port, since) = desk.stop().await;
    let desk = ServiceDesk::follow(options, port, since).await;
    let wants = desk.service.wants_avatar(CustomerId(1), Some(&avatar.address));
    assert!(!wants.await.unwrap(), "the picture is there");
    let again = desk.say(&room, &named("Ada Lovelace"), "i.2.0", &text("please")).await;
    assert_eq!(again.as_str(), second.event_id);
    assert!(desk.look(|seen| seen.events.iter().all(|event| event.sender.as_str() == nils.user_id())));
}

/// Her reaction is hers, and she takes it back; the room has her picture until she has none.
async fn reaction_and_picture_are_hers(
    desk: &ServiceDesk,
    nils: &testbed::agents::Agent,
    (room, answer): (&crm::domain::MatrixRoomId, &crm::domain::MatrixEventId),
    avatar: &Avatar,
) {
    let here = room.as_str();
    let reaction = RoomContent::Reaction {
        to: answer.clone(),
        key: "🎉".to_owned(),
    };
    let reacted = desk.say(room, &ada(), "i.6.r", &reaction).await;
    let by_her = |mirror: &testbed::agents::Mirror| {
        mirror
            .reactions(here, answer.as_str())
            .any(|found| found == (ADA, "🎉"))
    };
    nils.until("her reaction", SOON, |mirror| by_her(mirror).then_some(()))
        .await
        .unwrap();
    let own = desk.service.own_homeserver().unwrap();
    own.take_back(room, &ada(), &reacted, &TxnId("i.6.r.gone".to_owned()))
        .await
        .unwrap();
    nils.until("no reaction", SOON, |mirror| (!by_her(mirror)).then_some(()))
        .await
        .unwrap();
    let path = ["rooms", here, "event", reacted.as_str()];
    let gone = nils.request(reqwest::Method::GET, &path, None).await.unwrap();
    assert_eq!(gone["unsigned"]["redacted_because"]["sender"], ADA);
    own.set_room_avatar(room, Some(avatar)).await.unwrap();
    let shown = nils.state(here, "m.room.avatar", "").await.unwrap();
    assert!(
        shown["url"].as_str().unwrap().starts_with("mxc://localhost/"),
        "{shown}"
    );
    own.set_room_avatar(room, None).await.unwrap();
    assert_eq!(nils.state(here, "m.room.avatar", "").await.unwrap(), json!({}));
}

/// Rule 18: with a device of its own, a ghost's transaction id is one event over a restart of the homeserver too.
#[tokio::test]
async fn service_loses_and_doubles_nothing_over_kills() {
    const EACH: usize = 12;
    if quick() {
        return;
    }
    let (mut synapse, options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    let desk = ServiceDesk::follow(options, port, None).await;
    let room = desk.service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap();
    let here = room.as_str().to_owned();
    nils.until_room("Ada", SOON).await.unwrap();
    desk.say(&room, &ada(), "q0", &text("q0")).await;
    // Said once before the homeserver is killed and once after it is back.
    for number in 1..EACH {
        let (id, body) = (format!("q{number}"), format!("q{number}"));
        let first = desk.say(&room, &ada(), &id, &text(&body)).await;
        if number % 4 == 0 {
            // What it has not pushed yet, it forgets.
            synapse.restart().await.unwrap();
            assert_eq!(desk.say(&room, &ada(), &id, &text(&body)).await, first, "{id}");
        }
        nils.send(&here, Content::text(&format!("a{number}"))).await.unwrap();
    }
    // We are away while agents write: the homeserver keeps it, and pushes it when we call.
    desk.until_text(&format!("a{}", EACH - 1)).await;
    let before = desk.texts();
    let (options, port, since) = desk.stop().await;
    for number in 0..EACH {
        nils.send(&here, Content::text(&format!("b{number}"))).await.unwrap();
    }
    let desk = ServiceDesk::follow(options, port, since).await;
    desk.until_text(&format!("b{}", EACH - 1)).await;
    synapse.restart().await.unwrap();
    nils.send(&here, Content::text("the end")).await.unwrap();
    desk.until_text("the end").await;
    let expected = |letter: char, from: usize| (from..EACH).map(move |number| format!("{letter}{number}"));
    assert_eq!(before, expected('a', 1).collect::<Vec<_>>(), "in order, each once");
    let missed: Vec<String> = expected('b', 0).chain(["the end".to_owned()]).collect();
    assert_eq!(desk.texts(), missed, "in order, each once");

    let timeline = nils.timeline(&here).await.unwrap();
    let said: Vec<&str> = timeline
        .iter()
        .filter(|seen| seen.sender == ADA)
        .map(Message::body)
        .collect();
    let said: Vec<&str> = said.into_iter().filter(|body| body.starts_with('q')).collect();
    assert_eq!(said, expected('q', 0).collect::<Vec<_>>());
}

/// Rule 1: no user of ours enters a stranger's room.
#[tokio::test]
async fn ghosts_and_service_decline_invitations() {
    if quick() {
        return;
    }
    let (synapse, options, port) = homeserver().await;
    let eve = person(&synapse, Client::Nio, "eve").await;
    let desk = ServiceDesk::follow(options, port, None).await;
    let room = desk.service.ensure_room(&spec("crm_ada", &[])).await.unwrap();
    desk.say(&room, &ada(), "i.1.0", &text("hello")).await;
    let trap = NewRoom {
        name: "Trap",
        encrypted: false,
        invite: &[ADA, US],
    };
    let trap = eve.create_room(trap).await.unwrap();
    for user in [ADA, US] {
        until("the invitation to be declined", async || {
            let membership = eve.membership(&trap, user).await.unwrap();
            (membership.as_deref() == Some("leave")).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn check_says_what_is_wrong_with_set_up() {
    if quick() {
        return;
    }
    let (synapse, options, port) = homeserver().await;
    let listen = format!("127.0.0.1:{port}").parse().unwrap();
    let judged = async |options| {
        let found = check(&options, listen).await;
        let bad = found.iter().filter(|checked| checked.judgement != Judgement::Good);
        bad.map(|checked| format!("{}: {}", checked.check, checked.detail))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let off = judged(options.clone()).await;
    assert!(off.starts_with("reach:") && off.contains("Start `crm serve`"), "{off}");

    let mut other = options.clone();
    other.registration.as_token = "another".to_owned();
    let unknown = judged(other).await;
    assert!(unknown.contains("app_service_config_files"), "{unknown}");
    let mut other = options.clone();
    let server = Some("localhost");
    other.registration = Registration::new(
        "http://127.0.0.1:1".to_owned(),
        server,
        [AS_TOKEN.into(), HS_TOKEN.into()],
    );
    other.registration.namespaces.users[0].regex = "@else_.*".to_owned();
    let elsewhere = judged(other).await;
    assert!(
        elsewhere.contains("users: the homeserver lets us make no user"),
        "{elsewhere}"
    );
    assert!(
        elsewhere.contains("address: the registration says http://127.0.0.1:1"),
        "{elsewhere}"
    );
    let mut other = options.clone();
    other.homeserver = "http://127.0.0.1:1".to_owned();
    let away = judged(other).await;
    assert!(away.contains("does not answer"), "{away}");

    let desk = ServiceDesk::start(options.clone(), port).await;
    assert_eq!(judged(options).await, "");
    drop((desk, synapse));
}
