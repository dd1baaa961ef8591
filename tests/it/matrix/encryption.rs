//! Encrypted rooms: both sides read each other, no shield is drawn, and keys outlive restarts.

use std::time::Duration;

use crm::domain::MatrixEventId;
use crm::domain::matrix::{Matrix, RoomEventKind};
use crm::matrix::{Checked, Judgement, MatrixOptions};
use testbed::agents::{Agent, Client, Content};
use testbed::quick;
use testbed::servers::Synapse;

use super::desk::{Desk, PASSWORD, SOON, options, person, spec, until};

/// Both directions, with two independent clients: matrix-js-sdk and matrix-nio.
#[tokio::test]
async fn agents_and_desk_read_each_other_from_start() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "enc-anna").await;
    let nils = person(synapse, Client::Nio, "enc-nils").await;
    let desk = Desk::open(synapse, "enc").await;

    let room = desk.bot.ensure_room(&spec("enc-ada", &[&anna, &nils])).await.unwrap();
    // At once, before anybody has come in.
    let first = desk.say(&room, "t1", "hello, are you open?").await;

    for agent in [&anna, &nils] {
        let seen = agent
            .until_text(room.as_str(), "Ada: hello, are you open?", SOON)
            .await
            .unwrap();
        assert_eq!(seen.event_id, first.as_str());
        assert!(seen.encrypted && seen.readable);
        assert_eq!(seen.content["com.beeper.per_message_profile"]["displayname"], "Ada");
    }
    let bot = format!("@{}:localhost", desk.options.user);
    let trust = anna.trust(&bot).await.unwrap();
    assert!(trust.cross_signing);
    assert!(trust.devices.iter().all(|device| device.signed_by_owner), "{trust:?}");
    let shield = anna
        .look(|mirror| mirror.message(room.as_str(), first.as_str()).unwrap().shield.clone())
        .unwrap();
    assert_eq!(shield.colour, "none", "{shield:?}");

    for (agent, body) in [(&anna, "yes, until six"), (&nils, "and on Saturdays")] {
        agent
            .send(room.as_str(), Content::reply(first.as_str(), body))
            .await
            .unwrap();
        let seen = desk.until_text(body).await;
        assert_eq!((seen.sender.as_str(), &seen.room), (agent.user_id(), &room));
        let RoomEventKind::Text { reply_to, .. } = seen.what else {
            unreachable!()
        };
        assert_eq!(reply_to.as_ref(), Some(&first));
    }

    // Who comes in and what is written meanwhile make no new session, whose keys everybody would have to get first.
    let last = desk.say(&room, "t2", "see you").await;
    let session = async |event: &MatrixEventId| {
        let path = format!("rooms/{}/event/{}", room.as_str(), event.as_str());
        let event = as_bot(&desk.options, reqwest::Method::GET, &path).await;
        event["content"]["session_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(session(&last).await, session(&first).await);
}

#[tokio::test]
async fn restart_keeps_session_and_keys() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "restart-anna").await;
    let desk = Desk::open(synapse, "restart").await;
    let room = desk.bot.ensure_room(&spec("restart-ada", &[&anna])).await.unwrap();
    desk.say(&room, "t1", "one").await;
    anna.until_text(room.as_str(), "Ada: one", SOON).await.unwrap();
    anna.send(room.as_str(), Content::text("before")).await.unwrap();
    let before = desk.until_text("before").await;
    let since = desk.look(|seen| seen.since.clone());

    let (options, folder) = desk.stop().await;
    anna.send(room.as_str(), Content::text("while away")).await.unwrap();
    // The recovery key alone is lost: the folder is whole, so another one is made.
    std::fs::remove_file(&options.recovery_key).unwrap();
    let desk = Desk::connect((options, folder)).await;
    assert!(desk.options.recovery_key.exists() && desk.bot.status().borrow().detail.is_none());
    assert_eq!(desk.bot.event(&room, &before.id).await.unwrap(), before);
    desk.follow(since);
    desk.until_text("while away").await;
    desk.say(&room, "t2", "two").await;
    let two = anna.until_text(room.as_str(), "Ada: two", SOON).await.unwrap();
    assert_eq!(two.shield.unwrap().colour, "none");
    let bot = format!("@{}:localhost", desk.options.user);
    assert_eq!(
        anna.trust(&bot).await.unwrap().devices.len(),
        1,
        "the session is the same"
    );
    assert!(
        desk.look(|seen| seen.events.iter().all(|event| event.id != before.id)),
        "what was taken in before came again"
    );
}

/// rule 1: an event that cannot be decrypted is told, and read when its key has come.
#[tokio::test]
async fn event_is_decrypted_once_key_arrives() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "late-nils").await;
    let desk = Desk::open(synapse, "late").await;
    let room = desk.bot.ensure_room(&spec("late-ada", &[&nils])).await.unwrap();
    desk.say(&room, "t1", "hello").await;
    nils.until_text(room.as_str(), "Ada: hello", SOON).await.unwrap();
    let since = desk.look(|seen| seen.since.clone());

    // The key of what Nils now writes reaches the folder as it is later on, and not the copy of now.
    let (options, folder) = desk.stop().await;
    let [copy, spare] = ["copy", "spare"].map(|name| folder.path().join(name));
    copy_folder(&options.folder, &copy);
    copy_folder(&options.folder, &spare);
    nils.send(room.as_str(), Content::text("a secret")).await.unwrap();
    let desk = Desk::connect((options, folder)).await;
    desk.follow(since.clone());
    let secret = desk.until_text("a secret").await;
    desk.until("a later token", |seen| (seen.since != since).then_some(()))
        .await;
    // The homeserver forgets a key once it is asked for what comes after.
    desk.say(&room, "t2", "and?").await;
    nils.send(room.as_str(), Content::notice("later")).await.unwrap();
    desk.until("the notice", |seen| {
        seen.events
            .iter()
            .find(|event| event.what == RoomEventKind::Notice)
            .cloned()
    })
    .await;
    until("its key to be backed up", async || {
        key_backup(&desk.options).await["count"]
            .as_u64()
            .filter(|count| *count >= 2)
    })
    .await;
    let (options, folder) = desk.stop().await;
    let late = folder.path().join("late");
    std::fs::rename(&options.folder, &late).unwrap();
    std::fs::rename(&copy, &options.folder).unwrap();

    // The copy has not got it, and the key backup has.
    let desk = Desk::connect((options, folder)).await;
    desk.bot.pull(since.as_ref()).await.unwrap();
    until("the event to be read with the key of the backup", async || {
        desk.bot
            .event(&room, &secret.id)
            .await
            .ok()
            .filter(|event| *event == secret)
    })
    .await;

    // Without the backup nothing has.
    let (options, folder) = desk.stop().await;
    let backup = key_backup(&options).await;
    let path = format!("room_keys/version/{}", backup["version"].as_str().unwrap());
    as_bot(&options, reqwest::Method::DELETE, &path).await;
    std::fs::remove_dir_all(&options.folder).unwrap();
    std::fs::rename(&spare, &options.folder).unwrap();
    let desk = Desk::connect((options, folder)).await;
    let batch = desk.bot.pull(since.as_ref()).await.unwrap();
    let undecryptable = batch.events.iter().find(|event| event.id == secret.id).unwrap();
    assert_eq!(undecryptable.what, RoomEventKind::Undecryptable);
    assert_eq!(desk.bot.event(&room, &secret.id).await.unwrap(), *undecryptable);

    let (options, folder) = desk.stop().await;
    std::fs::remove_dir_all(&options.folder).unwrap();
    std::fs::rename(&late, &options.folder).unwrap();
    let desk = Desk::connect((options, folder)).await;
    assert_eq!(desk.bot.event(&room, &secret.id).await.unwrap(), secret);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An agent's new device is told the key of the first word after our own absence: no word goes out before it is known
/// who has which devices.
#[tokio::test]
async fn send_waits_until_devices_are_known() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "device-anna").await;
    let desk = Desk::open(synapse, "device").await;
    let room = desk.bot.ensure_room(&spec("device-ada", &[&anna])).await.unwrap();
    desk.say(&room, "t1", "one").await;
    anna.until_text(room.as_str(), "Ada: one", SOON).await.unwrap();
    let since = desk.look(|seen| seen.since.clone());

    let (options, folder) = desk.stop().await;
    let phone = Agent::start(Client::Nio, &synapse.url(), "device-anna", PASSWORD)
        .await
        .unwrap();
    let desk = Desk::connect((options, folder)).await;
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        desk.follow(since);
    };
    tokio::join!(desk.say(&room, "t2", "two"), late);
    let two = phone.until_text(room.as_str(), "Ada: two", SOON).await.unwrap();
    assert!(two.encrypted && two.readable);
}

/// Who comes later, by an invitation or through the Space alone, reads what is written from then on.
#[tokio::test]
async fn agent_who_joins_late_reads_from_then_on() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "later-anna").await;
    let nils = person(synapse, Client::Nio, "later-nils").await;
    let (mut options, folder) = options(synapse, "later").await;
    options.agents = vec![nils.user_id().into()];
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let room = desk.bot.ensure_room(&spec("later-ada", &[])).await.unwrap();
    desk.say(&room, "t1", "one").await;

    desk.bot.update_room(&room, &spec("later-ada", &[&anna])).await.unwrap();
    desk.say(&room, "t2", "two").await;
    let two = anna.until_text(room.as_str(), "Ada: two", SOON).await.unwrap();
    assert!(two.encrypted && two.readable);

    // Nils was only asked into the Space, and takes the door from there.
    nils.until_room(&desk.options.space.name, SOON).await.unwrap();
    until("Nils in the room", async || nils.join(room.as_str()).await.ok()).await;
    desk.until("Nils to be known", |seen| {
        let joined = |event: &crm::domain::matrix::RoomEvent| {
            event.room == room
                && matches!(&event.what, RoomEventKind::Member { user, .. } if user.as_str() == nils.user_id())
        };
        seen.events.iter().any(joined).then_some(())
    })
    .await;
    desk.say(&room, "t3", "three").await;
    let three = nils.until_text(room.as_str(), "Ada: three", SOON).await.unwrap();
    assert!(three.encrypted && three.readable);
}

/// The key backup of the bot of a folder, as the homeserver has it.
async fn key_backup(options: &MatrixOptions) -> serde_json::Value {
    as_bot(options, reqwest::Method::GET, "room_keys/version").await
}

/// Makes a request with the bot's token.
async fn as_bot(options: &MatrixOptions, method: reqwest::Method, path: &str) -> serde_json::Value {
    let session = std::fs::read(options.folder.join("session.json")).unwrap();
    let session: serde_json::Value = serde_json::from_slice(&session).unwrap();
    let url = format!("{}/_matrix/client/v3/{path}", options.homeserver);
    let answer = reqwest::Client::new()
        .request(method, url)
        .bearer_auth(session["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}

/// A folder that is lost: with the recovery key the bot reads old events again and is trusted as before. Without it the bot goes
/// on as somebody new, says so, and takes the key later.
#[tokio::test]
async fn lost_store_is_recovered_with_key() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "lost-anna").await;
    let desk = Desk::open(synapse, "lost").await;
    let room = desk.bot.ensure_room(&spec("lost-ada", &[&anna])).await.unwrap();
    desk.say(&room, "t1", "one").await;
    anna.until_text(room.as_str(), "Ada: one", SOON).await.unwrap();
    anna.send(room.as_str(), Content::text("before")).await.unwrap();
    let before = desk.until_text("before").await;
    let since = desk.look(|seen| seen.since.clone());
    until("both keys to be backed up", async || {
        key_backup(&desk.options).await["count"]
            .as_u64()
            .filter(|count| *count >= 2)
    })
    .await;

    // With the key.
    let (options, folder) = desk.stop().await;
    let key = crm::matrix::recovery_key(&options.recovery_key)
        .unwrap()
        .expect("a key");
    std::fs::remove_dir_all(&options.folder).unwrap();
    let desk = Desk::connect((options, folder)).await;
    assert_eq!(desk.bot.status().borrow().detail, None);
    desk.follow(since.clone());
    until("the old event to be read", async || {
        desk.bot
            .event(&room, &before.id)
            .await
            .ok()
            .filter(|event| *event == before)
    })
    .await;
    desk.say(&room, "t2", "two").await;
    let two = anna.until_text(room.as_str(), "Ada: two", SOON).await.unwrap();
    assert_eq!(two.shield.unwrap().colour, "none");
    let trust = anna.trust(two.sender.as_str()).await.unwrap();
    assert!(
        trust.devices.len() == 2 && trust.devices.iter().all(|device| device.signed_by_owner),
        "{trust:?}"
    );

    // Without it, and with it at last.
    let (options, folder) = desk.stop().await;
    std::fs::remove_dir_all(&options.folder).unwrap();
    std::fs::remove_file(&options.recovery_key).unwrap();
    let desk = Desk::connect((options, folder)).await;
    let detail = desk.bot.status().borrow().detail.clone().unwrap();
    assert!(detail.contains("crm matrix recovery-key --restore"), "{detail}");
    desk.follow(since);
    desk.say(&room, "t3", "three").await;
    anna.until_text(room.as_str(), "Ada: three", SOON).await.unwrap();
    let lost = desk.bot.event(&room, &before.id).await.unwrap();
    assert_eq!(lost.what, RoomEventKind::Undecryptable);
    let (options, folder) = desk.stop().await;
    let checked = crm::matrix::verify(&options).await;
    let judged = |checked: &[Checked]| checked.iter().map(|one| (one.check, one.judgement)).collect::<Vec<_>>();
    let [login, device] = ["login", "device"].map(|check| (check, Judgement::Good));
    assert_eq!(
        judged(&checked),
        [login, device, ("key backup", Judgement::Bad)],
        "{checked:?}"
    );
    crm::matrix::write_recovery_key(&options.recovery_key, &key).unwrap();
    let checked = crm::matrix::verify(&options).await;
    assert_eq!(
        judged(&checked),
        [login, device, ("key backup", Judgement::Good)],
        "{checked:?}"
    );
    let desk = Desk::connect((options, folder)).await;
    assert_eq!(desk.bot.status().borrow().detail, None);
    assert_eq!(desk.bot.event(&room, &before.id).await.unwrap(), before);
    let (options, _folder) = desk.stop().await;
    assert_eq!(crm::matrix::log_out(&options).await, Ok(()));
    crm::matrix::reset(&options.folder).unwrap();
}
