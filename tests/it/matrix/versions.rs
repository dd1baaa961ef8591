//! The version of rooms as a setting: older clients do not list rooms of version 12.

use crm::domain::MatrixRoomId;
use crm::domain::matrix::{Matrix, MatrixState};
use crm::matrix::{Judgement, check};
use testbed::agents::{Agent, Client, Content};
use testbed::quick;
use testbed::servers::Synapse;

use super::desk::{Desk, SOON, ada, options, person, spec, text};
use super::service_desk::{ServiceDesk, homeserver};

/// Asserts the version of a room, and of the Space that it is in.
async fn has_version(agent: &Agent, room: &MatrixRoomId, space: &str, version: &str) {
    let space = agent.until_room(space, SOON).await.unwrap().room_id;
    for room in [room.as_str(), &space] {
        let made = agent.state(room, "m.room.create", "").await.unwrap();
        assert_eq!(made["room_version"], version, "{room}");
    }
}

#[tokio::test]
async fn service_makes_rooms_of_configured_version() {
    if quick() {
        return;
    }
    let (synapse, mut options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    options.agents = vec![nils.user_id().into()];
    options.room_version = Some("11".to_owned());
    let space = options.space.name.clone();
    let desk = ServiceDesk::follow(options.clone(), port, None).await;
    let room = desk.service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap();
    desk.say(&room, &ada(), "i.1.0", &text("how much?")).await;
    nils.until_text(room.as_str(), "how much?", SOON).await.unwrap();
    has_version(&nils, &room, &space, "11").await;
    nils.send(room.as_str(), Content::text("ten pounds")).await.unwrap();
    desk.until_text("ten pounds").await;
    // What exists is used with another setting too, brought up to date.
    let (mut options, port, since) = desk.stop().await;
    options.room_version = Some("12".to_owned());
    let desk = ServiceDesk::follow(options.clone(), port, since).await;
    assert_eq!(
        desk.service.ensure_room(&spec("crm_ada", &[&nils])).await.unwrap(),
        room
    );
    let newer = desk.service.ensure_room(&spec("crm_bob", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    let made = nils.state(newer.as_str(), "m.room.create", "").await.unwrap();
    assert_eq!(made["room_version"], "12");
    desk.stop().await;

    options.room_version = Some("99".to_owned());
    let found = check(&options, format!("127.0.0.1:{port}").parse().unwrap()).await;
    let version = found.iter().find(|checked| checked.check == "room version").unwrap();
    assert_eq!(version.judgement, Judgement::Bad);
    assert!(
        version.detail.contains("no rooms of version 99") && version.detail.contains("10, 11, 12"),
        "{}",
        version.detail
    );
}

#[tokio::test]
async fn bot_makes_rooms_of_configured_version() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "version-nils").await;
    let (mut options, folder) = options(synapse, "version").await;
    options.agents = vec![nils.user_id().into()];
    options.room_version = Some("10".to_owned());
    let space = options.space.name.clone();
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let room = desk.bot.ensure_room(&spec("version-ada", &[&nils])).await.unwrap();
    desk.say(&room, "i.1.0", "how much?").await;
    nils.until_text(room.as_str(), "Ada: how much?", SOON).await.unwrap();
    has_version(&nils, &room, &space, "10").await;
    nils.send(room.as_str(), Content::text("ten pounds")).await.unwrap();
    desk.until_text("ten pounds").await;

    let (mut options, folder) = desk.stop().await;
    options.room_version = Some("99".to_owned());
    let desk = Desk::start(options, folder);
    let refused = desk.until_state(MatrixState::Refused).await;
    let why = refused.detail.unwrap();
    assert!(
        why.contains("no rooms of version 99") && why.contains("CRM_MATRIX_ROOM_VERSION"),
        "{why}"
    );
}
