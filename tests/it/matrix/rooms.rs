//! Rooms made exactly once, whatever happens in between.

use crm::domain::MatrixRoomId;
use crm::domain::matrix::{Matrix, MatrixError, MatrixState, RoomSpec};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::agents::{Agent, Client};
use testbed::quick;
use testbed::servers::{Synapse, SynapseOptions, free_port};
use tokio::net::TcpListener;

use super::desk::{Desk, PASSWORD, SOON, ada, options, person, spec, text};

/// The bot's own account at a second client, to look and to meddle.
async fn same_account(synapse: &Synapse, desk: &Desk) -> Agent {
    let agent = Agent::start(Client::Nio, &synapse.url(), &desk.options.user, PASSWORD).await;
    agent.unwrap()
}

/// The room to which an alias leads.
async fn room_of(agent: &Agent, alias: &str) -> Option<String> {
    let alias = format!("#{alias}:localhost");
    let found = agent
        .request(Method::GET, &["directory", "room", &alias], None)
        .await
        .ok()?;
    found["room_id"].as_str().map(str::to_owned)
}

/// rule 19.
#[tokio::test]
async fn room_is_made_once_despite_many_requests() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "once-nils").await;
    let (mut options, folder) = options(synapse, "once").await;
    options.agents = vec![nils.user_id().into()];
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let spec = spec("once-ada", &[&nils]);
    let (one, two, three) = tokio::join!(
        desk.bot.ensure_room(&spec),
        desk.bot.ensure_room(&spec),
        desk.bot.ensure_room(&spec)
    );
    let room = one.unwrap();
    assert_eq!([two.unwrap(), three.unwrap()], [room.clone(), room.clone()]);
    let desk = desk.restart().await;
    assert_eq!(desk.bot.ensure_room(&spec).await.unwrap(), room);

    let space = nils.until_room(&desk.options.space.name, SOON).await.unwrap();
    assert!(space.space);
    assert_eq!(nils.space_children(&space.room_id).await.unwrap(), [room.as_str()]);
    let seen = nils.until_room("Ada", SOON).await.unwrap();
    assert_eq!((seen.room_id.as_str(), seen.encrypted), (room.as_str(), true));
    assert_eq!(seen.topic.as_deref(), Some("+44 7700 900123"));
    let state = nils.all_state(room.as_str()).await.unwrap();
    let content = |kind: &str| {
        let found: Vec<&Value> = state.iter().filter(|event| event["type"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind}");
        found[0]
    };
    assert_eq!(content("m.space.parent")["state_key"], space.room_id.as_str());
    assert_eq!(content("m.bridge")["content"]["protocol"]["id"], "whatsapp");
    let rule = &content("m.room.join_rules")["content"];
    assert_eq!(
        (&rule["join_rule"], &rule["allow"][0]["room_id"]),
        (&json!("restricted"), &json!(space.room_id))
    );
}

/// An agent who cannot be invited keeps nobody else out.
#[tokio::test]
async fn unreachable_agent_keeps_nobody_out() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "ghost-nils").await;
    let (mut options, folder) = options(synapse, "ghost").await;
    options.agents = vec!["@ghost:elsewhere.invalid".into(), nils.user_id().into()];
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    // Into the Space before there is any customer.
    nils.until_room(&desk.options.space.name, SOON).await.unwrap();
    let spec = RoomSpec {
        invite: desk.options.agents.clone(),
        ..spec("ghost-ada", &[])
    };
    let room = desk.bot.ensure_room(&spec).await.unwrap();
    let seen = nils.until_room("Ada", SOON).await.unwrap();
    assert_eq!(seen.room_id, room.as_str());
    assert_eq!(desk.bot.ensure_room(&spec).await.unwrap(), room);
}

/// Synapse answers 502 for an invitation to a server that refuses connections, and for minutes nothing for one that is silent.
#[tokio::test]
async fn agent_of_dead_server_keeps_nobody_out() {
    if quick() {
        return;
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = [free_port().unwrap(), silent.local_addr().unwrap().port()].map(|port| format!("127.0.0.1:{port}"));
    let configuration = json!({"federation_domain_whitelist": dead, "federation_ip_range_blacklist": []});
    let synapse = Synapse::start(SynapseOptions {
        configuration: configuration.as_object().unwrap().clone(),
        ..SynapseOptions::default()
    });
    let synapse = synapse.await.unwrap();
    let nils = person(&synapse, Client::Nio, "dead-nils").await;
    let (mut options, folder) = options(&synapse, "dead").await;
    let dead = dead.map(|server| format!("@cy:{server}").as_str().into());
    options.agents = dead.into_iter().chain([nils.user_id().into()]).collect();
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let mut status = desk.bot.status();
    status.borrow_and_update();
    let spec = RoomSpec {
        invite: desk.options.agents.clone(),
        ..spec("dead-ada", &[])
    };
    let room = desk.bot.ensure_room(&spec).await.unwrap();
    let seen = nils.until_room("Ada", SOON).await.unwrap();
    assert_eq!(seen.room_id, room.as_str());
    nils.until_room(&desk.options.space.name, SOON).await.unwrap();
    desk.bot.update_room(&room, &spec).await.unwrap();
    assert!(!status.has_changed().unwrap(), "the connection was lost");
    assert_eq!(status.borrow().state, MatrixState::Ready);
}

/// Whatever a crash has left undone is done at the next call.
#[tokio::test]
async fn half_made_room_is_completed() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "half-nils").await;
    let desk = Desk::open(synapse, "half").await;
    let same = same_account(synapse, &desk).await;
    let bare = json!({"preset": "private_chat", "room_alias_name": "half-ada"});
    let bare = same.request(Method::POST, &["createRoom"], Some(bare)).await.unwrap();

    let room = desk.bot.ensure_room(&spec("half-ada", &[&nils])).await.unwrap();
    assert_eq!(room.as_str(), bare["room_id"]);
    let seen = nils.until_room("Ada", SOON).await.unwrap();
    assert!(seen.encrypted);
    let space = room_of(&same, "space-half").await.unwrap();
    assert_eq!(same.space_children(&space).await.unwrap(), [room.as_str()]);
    assert_eq!(
        same.state(room.as_str(), "m.room.join_rules", "").await.unwrap()["join_rule"],
        "restricted"
    );

    // Out of the Space again: the link is put back, and what is as it should be is not written again.
    let gone = ["rooms", &space, "state", "m.space.child", room.as_str()];
    same.request(Method::PUT, &gone, Some(json!({}))).await.unwrap();
    let ids = |state: Vec<Value>| {
        let mut ids: Vec<String> = state.iter().map(|event| event["event_id"].to_string()).collect();
        ids.sort();
        ids
    };
    let before = ids(same.all_state(room.as_str()).await.unwrap());
    assert_eq!(desk.bot.ensure_room(&spec("half-ada", &[&nils])).await.unwrap(), room);
    assert_eq!(same.space_children(&space).await.unwrap(), [room.as_str()]);
    assert_eq!(ids(same.all_state(room.as_str()).await.unwrap()), before);
}

/// rule 19: adopted only when we created it.
#[tokio::test]
async fn foreign_room_under_our_alias_is_not_used() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let eve = person(synapse, Client::Nio, "alias-eve").await;
    let desk = Desk::open(synapse, "alias").await;
    let bot = format!("@{}:localhost", desk.options.user);
    // One that we cannot see into, and one that would have us.
    let trap = json!({"room_alias_name": "alias-ada", "preset": "public_chat"});
    let trap = eve.request(Method::POST, &["createRoom"], Some(trap)).await.unwrap();
    let closed = json!({"room_alias_name": "alias-ada-2", "preset": "private_chat"});
    let closed = eve.request(Method::POST, &["createRoom"], Some(closed)).await.unwrap();

    let room = desk.bot.ensure_room(&spec("alias-ada", &[])).await.unwrap();
    assert!(trap["room_id"] != room.as_str() && closed["room_id"] != room.as_str());
    assert_eq!(desk.bot.ensure_room(&spec("alias-ada", &[])).await.unwrap(), room);
    assert_eq!(room_of(&eve, "alias-ada-3").await.as_deref(), Some(room.as_str()));
    assert_eq!(
        eve.membership(trap["room_id"].as_str().unwrap(), &bot).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn room_we_left_is_gone_and_made_anew() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let desk = Desk::open(synapse, "gone").await;
    let room = desk.bot.ensure_room(&spec("gone-ada", &[])).await.unwrap();
    desk.say(&room, "t1", "hello").await;
    let same = same_account(synapse, &desk).await;
    same.leave(room.as_str()).await.unwrap();

    let gone = |done: Result<(), MatrixError>| assert!(matches!(done, Err(MatrixError::RoomGone(_))), "{done:?}");
    let txn = crm::domain::matrix::TxnId("t2".to_owned());
    gone(
        desk.bot
            .send(&room, &ada(), &txn, &text("are you there?"))
            .await
            .map(drop),
    );
    gone(desk.bot.update_room(&room, &spec("gone-ada", &[])).await);
    let nowhere = MatrixRoomId::from("!nowhere:localhost");
    gone(desk.bot.send(&nowhere, &ada(), &txn, &text("hello?")).await.map(drop));

    let again = desk.bot.ensure_room(&spec("gone-ada", &[])).await.unwrap();
    assert_ne!(again, room);
    desk.say(&again, "t3", "hello again").await;
    assert_eq!(desk.bot.ensure_room(&spec("gone-ada", &[])).await.unwrap(), again);
}

/// A direct room stands outside the Space.
#[tokio::test]
async fn room_name_and_topic_follow_customer() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "names-nils").await;
    let desk = Desk::open(synapse, "names").await;
    let room = desk.bot.ensure_room(&spec("names-ada", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    let renamed = RoomSpec {
        name: "Ada Lovelace".to_owned(),
        topic: "+44 7700 900124".to_owned(),
        ..spec("names-ada", &[&nils])
    };
    desk.bot.update_room(&room, &renamed).await.unwrap();
    let seen = nils.until_room("Ada Lovelace", SOON).await.unwrap();
    assert_eq!(
        nils.state(&seen.room_id, "m.room.topic", "").await.unwrap()["topic"],
        "+44 7700 900124"
    );

    let trouble = RoomSpec {
        exclude: vec![],
        name: "Trouble".to_owned(),
        direct: true,
        closed: false,
        ..spec("names-trouble", &[&nils])
    };
    let trouble = desk.bot.ensure_room(&trouble).await.unwrap();
    nils.until_room("Trouble", SOON).await.unwrap();
    assert_eq!(
        nils.state(trouble.as_str(), "m.bridge", "crm.names-trouble")
            .await
            .unwrap(),
        Value::Null
    );
    assert_eq!(
        nils.state(trouble.as_str(), "m.room.join_rules", "").await.unwrap()["join_rule"],
        "invite"
    );
}

/// A former agent reads no more, and cannot come back through the Space. Who left on purpose is not invited at each
/// update, and comes back through the Space, or when the conversation is theirs. Nobody from outside is let in.
#[tokio::test]
async fn former_agent_is_put_out_leaver_is_left_alone() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let (nils, nora, nina) = tokio::join!(
        person(synapse, Client::Nio, "former-nils"),
        person(synapse, Client::Nio, "former-nora"),
        person(synapse, Client::Nio, "former-nina")
    );
    let (mut options, folder) = options(synapse, "former").await;
    options.agents = [&nils, &nora, &nina].map(|agent| agent.user_id().into()).into();
    let desk = Desk::connect((options, folder)).await;
    let room = desk
        .bot
        .ensure_room(&spec("former-ada", &[&nils, &nora, &nina]))
        .await
        .unwrap();
    for agent in [&nils, &nora] {
        agent.until_room("Ada", SOON).await.unwrap();
        agent.until_room(&desk.options.space.name, SOON).await.unwrap();
    }
    assert!(nils.invite(room.as_str(), "@guest:localhost").await.is_err());
    nora.leave(room.as_str()).await.unwrap();

    let now = RoomSpec {
        exclude: vec![nils.user_id().into()],
        ..spec("former-ada", &[&nora, &nina])
    };
    desk.bot.update_room(&room, &now).await.unwrap();
    let bot = same_account(synapse, &desk).await;
    let space = room_of(&bot, "space-former").await.unwrap();
    for place in [room.as_str(), &space] {
        let membership = bot.membership(place, nils.user_id()).await.unwrap();
        assert_eq!(membership.as_deref(), Some("leave"), "{place}");
    }
    let left = bot.membership(room.as_str(), nora.user_id()).await.unwrap();
    assert_eq!(left.as_deref(), Some("leave"), "not invited again");
    assert!(nils.join(room.as_str()).await.is_err());
    // Nobody else is asked in, so she is.
    let hers = spec("former-ada", &[&nora]);
    desk.bot.update_room(&room, &hers).await.unwrap();
    let asked = bot.membership(room.as_str(), nora.user_id()).await.unwrap();
    assert_eq!(asked.as_deref(), Some("invite"));
    nora.join(room.as_str()).await.unwrap();
}

/// In a room from before members could no longer invite.
#[tokio::test]
async fn guest_of_open_room_is_put_out_as_it_closes() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let (nils, nora, eve) = tokio::join!(
        person(synapse, Client::Nio, "open-nils"),
        person(synapse, Client::Nio, "open-nora"),
        person(synapse, Client::Nio, "open-eve")
    );
    let desk = Desk::open(synapse, "open").await;
    let room = desk.bot.ensure_room(&spec("open-ada", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    let bot = same_account(synapse, &desk).await;
    let levels = ["rooms", room.as_str(), "state", "m.room.power_levels"];
    let mut open = bot.state(room.as_str(), "m.room.power_levels", "").await.unwrap();
    open["invite"] = json!(0);
    bot.request(Method::PUT, &levels, Some(open)).await.unwrap();
    for guest in [&nora, &eve] {
        nils.invite(room.as_str(), guest.user_id()).await.unwrap();
        guest.until_room("Ada", SOON).await.unwrap();
    }

    // Nora is an agent who was not asked in.
    let now = RoomSpec {
        allow: vec![nora.user_id().into()],
        ..spec("open-ada", &[&nils])
    };
    desk.bot.update_room(&room, &now).await.unwrap();
    for (member, membership) in [(&nils, "join"), (&nora, "join"), (&eve, "leave")] {
        let is = bot.membership(room.as_str(), member.user_id()).await.unwrap();
        assert_eq!(is.as_deref(), Some(membership), "{}", member.user_id());
    }
    assert!(nils.invite(room.as_str(), eve.user_id()).await.is_err());
}
