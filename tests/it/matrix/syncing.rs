//! What a sync brings: everything, in order, once for each token; and nothing that is older than we are.

use crm::domain::matrix::{Matrix, Membership, RoomBatch, RoomEvent, RoomEventKind, RoomMark, RoomSpec};
use testbed::agents::{Agent, Client, Content, NewRoom};
use testbed::quick;
use testbed::servers::Synapse;

use super::desk::{Desk, SOON, options, person, spec, until};

/// More than one answer of `/sync` holds, and more than one page of history.
const MANY: usize = 180;
/// More rooms than one batch tells of, each with a gap.
const ROOMS: usize = 6;
const EACH: usize = 60;

fn texts(batch: &RoomBatch) -> Vec<String> {
    let text = |event: &RoomEvent| match &event.what {
        RoomEventKind::Text { body, .. } => Some(body.clone()),
        _ => None,
    };
    batch.events.iter().filter_map(text).collect()
}

/// Syncs on until there is something to read.
async fn next(desk: &Desk, since: &RoomMark) -> RoomBatch {
    let mut since = since.clone();
    loop {
        let batch = desk.bot.pull(Some(&since)).await.unwrap();
        if !batch.events.is_empty() {
            return batch;
        }
        since = batch.mark;
    }
}

async fn desk_with_room(synapse: &Synapse, name: &str, agent: &Agent) -> (Desk, crm::domain::MatrixRoomId, RoomMark) {
    let desk = Desk::open(synapse, name).await;
    let room = desk
        .bot
        .ensure_room(&spec(&format!("{name}-ada"), &[agent]))
        .await
        .unwrap();
    desk.say(&room, "t0", "hello").await;
    agent.until_text(room.as_str(), "Ada: hello", SOON).await.unwrap();
    agent.send(room.as_str(), Content::text("ready")).await.unwrap();
    desk.until_text("ready").await;
    let since = desk.look(|seen| seen.since.clone()).unwrap();
    let desk = desk.restart().await;
    (desk, room, since)
}

/// Rule 17: the SDK's handlers never see the events that a limited timeline leaves out, so we page back to them.
#[tokio::test]
async fn sync_gap_is_filled_in_order() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "gap-nils").await;
    let (desk, room, since) = desk_with_room(synapse, "gap", &nils).await;
    let (options, folder) = desk.stop().await;
    let mut sent = vec![];
    for number in 0..MANY {
        let body = format!("message {number}");
        nils.send(room.as_str(), Content::text(&body)).await.unwrap();
        sent.push(body);
    }
    let desk = Desk::connect((options, folder)).await;
    let batch = next(&desk, &since).await;
    assert_eq!(texts(&batch), sent);
    assert_eq!(batch.cut, []);
    let after = desk.bot.pull(Some(&batch.mark));
    nils.send(room.as_str(), Content::text("the next")).await.unwrap();
    assert_eq!(texts(&after.await.unwrap()), ["the next"]);
}

/// After an outage of days the events would be too many for one deadline, and for memory.
#[tokio::test]
async fn long_backlog_comes_in_acknowledged_parts() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "backlog-nils").await;
    let (mut options, folder) = options(synapse, "backlog").await;
    options.encryption = false;
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let mut rooms = vec![];
    for number in 0..ROOMS {
        let spec = RoomSpec {
            name: format!("Customer {number}"),
            ..spec(&format!("backlog-{number}"), &[&nils])
        };
        rooms.push(desk.bot.ensure_room(&spec).await.unwrap());
        nils.until_room(&spec.name, SOON).await.unwrap();
    }
    nils.send(rooms[0].as_str(), Content::text("ready")).await.unwrap();
    desk.until_text("ready").await;
    let since = desk.look(|seen| seen.since.clone()).unwrap();
    let (options, folder) = desk.stop().await;
    let sending = rooms.iter().map(|room| {
        let nils = &nils;
        async move {
            for number in 0..EACH {
                nils.send(room.as_str(), Content::text(&number.to_string()))
                    .await
                    .unwrap();
            }
        }
    });
    futures_util::future::join_all(sending).await;

    let desk = Desk::connect((options, folder)).await;
    let first = next(&desk, &since).await;
    assert!(first.events.len() < ROOMS * EACH, "{} at once", first.events.len());
    // Lost with our transaction.
    assert_eq!(desk.bot.pull(Some(&since)).await.unwrap().events, first.events);
    let desk = desk.restart().await;
    let again = desk.bot.pull(Some(&first.mark)).await.unwrap();
    assert_eq!(again.events, first.events);
    assert_ne!(again.mark, first.mark, "one of them may be lost after the other");
    let (mut events, mut mark) = (again.events, again.mark);
    while events.len() < ROOMS * EACH {
        let batch = desk.bot.pull(Some(&mark)).await.unwrap();
        assert!(!batch.events.is_empty(), "{} came in all", events.len());
        events.extend(batch.events);
        mark = batch.mark;
    }
    let all: Vec<String> = (0..EACH).map(|number| number.to_string()).collect();
    for room in &rooms {
        let of_room = events.iter().filter(|event| event.room == *room);
        let mut batch = RoomBatch::nothing_until(mark.clone());
        batch.events = of_room.cloned().collect();
        assert_eq!(texts(&batch), all);
    }
    nils.send(rooms[0].as_str(), Content::text("the next")).await.unwrap();
    assert_eq!(texts(&next(&desk, &mark).await), ["the next"]);
}

/// Invariant 4: a token whose events were lost with our transaction brings them again.
#[tokio::test]
async fn same_sync_token_brings_same_events() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "replay-nils").await;
    let (desk, room, since) = desk_with_room(synapse, "replay", &nils).await;
    nils.send(room.as_str(), Content::text("one")).await.unwrap();
    nils.send(room.as_str(), Content::text("two")).await.unwrap();
    until("both", async || {
        let batch = desk.bot.pull(Some(&since)).await.unwrap();
        (texts(&batch) == ["one", "two"]).then_some(())
    })
    .await;
    let first = desk.bot.pull(Some(&since)).await.unwrap();
    assert_eq!(texts(&first), ["one", "two"]);
    assert_eq!(desk.bot.pull(Some(&since)).await.unwrap().events, first.events);

    let desk = desk.restart().await;
    assert_eq!(desk.bot.pull(Some(&since)).await.unwrap().events, first.events);
    nils.send(room.as_str(), Content::text("three")).await.unwrap();
    until("all three", async || {
        let batch = desk.bot.pull(Some(&since)).await.unwrap();
        (texts(&batch) == ["one", "two", "three"]).then_some(())
    })
    .await;
    // A sync that is dropped in the middle has taken nothing away.
    for pause in [0, 2, 5, 10, 20, 40] {
        let limit = std::time::Duration::from_millis(pause);
        let _ = tokio::time::timeout(limit, desk.bot.pull(Some(&since))).await;
    }
    assert_eq!(
        texts(&desk.bot.pull(Some(&since)).await.unwrap()),
        ["one", "two", "three"]
    );
}

/// rule 17: with no token nothing older than now; and a store that was reset learns of its rooms before it goes on.
#[tokio::test]
async fn no_token_starts_now_no_store_loses_nothing() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "now-nils").await;
    let (mut options, folder) = options(synapse, "now").await;
    options.encryption = false;
    let desk = Desk::connect((options, folder)).await;
    desk.follow(None);
    let room = desk.bot.ensure_room(&spec("now-ada", &[&nils])).await.unwrap();
    nils.until_room("Ada", SOON).await.unwrap();
    nils.send(room.as_str(), Content::text("old")).await.unwrap();
    desk.until_text("old").await;
    let since = desk.look(|seen| seen.since.clone()).unwrap();
    let desk = desk.restart().await;
    nils.send(room.as_str(), Content::text("missed")).await.unwrap();
    let now = desk.bot.pull(None).await.unwrap();
    assert_eq!((now.events, now.receipts), (vec![], vec![]));
    nils.send(room.as_str(), Content::text("new")).await.unwrap();
    assert_eq!(texts(&next(&desk, &now.mark).await), ["new"]);

    let (options, folder) = desk.stop().await;
    crm::matrix::reset(&options.folder).unwrap();
    let desk = Desk::connect((options, folder)).await;
    assert_eq!(texts(&next(&desk, &since).await), ["missed", "new"]);
    desk.say(&room, "t1", "still here").await;
    nils.until_text(room.as_str(), "Ada: still here", SOON).await.unwrap();
}

/// rule 1: what is not a text is known for what it is, in an encrypted room too.
#[tokio::test]
async fn every_event_kind_is_classified() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let anna = person(synapse, Client::Js, "kinds-anna").await;
    let desk = Desk::open(synapse, "kinds").await;
    let room = desk.bot.ensure_room(&spec("kinds-ada", &[&anna])).await.unwrap();
    let asked = desk.say(&room, "t1", "how much?").await;
    let question = anna.until_text(room.as_str(), "Ada: how much?", SOON).await.unwrap();
    let here = room.as_str();

    let answer = anna
        .send(here, Content::reply_with_fallback(&question, "ten pounds"))
        .await
        .unwrap();
    anna.send(here, Content::notice("a note")).await.unwrap();
    anna.send(here, Content::edit(&answer, "twelve pounds")).await.unwrap();
    anna.send(here, Content::thread(asked.as_str(), "in a thread"))
        .await
        .unwrap();
    anna.send(here, Content::reaction(asked.as_str(), "👍")).await.unwrap();
    anna.read(here, asked.as_str()).await.unwrap();
    anna.send(here, Content::text("the end")).await.unwrap();
    desk.until_text("the end").await;

    let from_anna = |event: &&RoomEvent| event.room == room && event.sender.as_str() == anna.user_id();
    let kinds = desk.look(|seen| {
        seen.events
            .iter()
            .filter(from_anna)
            .map(|event| event.what.clone())
            .collect::<Vec<_>>()
    });
    let text = |body: &str, reply_to: Option<&str>| RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: reply_to.map(Into::into),
    };
    let joined = RoomEventKind::Member {
        user: anna.user_id().into(),
        membership: Membership::Join,
    };
    assert_eq!(
        kinds,
        [
            joined,
            text("ten pounds", Some(asked.as_str())),
            RoomEventKind::Notice,
            RoomEventKind::Edit {
                of: answer.as_str().into(),
                body: "twelve pounds".to_owned(),
            },
            text("in a thread", None),
            RoomEventKind::Reaction {
                of: asked.clone(),
                key: "👍".to_owned(),
            },
            text("the end", None),
        ]
    );
    desk.until("Anna's receipt", |seen| {
        let mut read = seen.receipts.iter();
        read.any(|read| read.user.as_str() == anna.user_id() && read.event == asked && read.room == room)
            .then_some(())
    })
    .await;
    let us = &desk.options.user;
    assert!(
        desk.look(|seen| seen.events.iter().all(|event| !event.sender.as_str().contains(us))),
        "our own events came back to us"
    );
}

/// rule 1: the bot declines invitations.
#[tokio::test]
async fn stranger_invitation_is_declined() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let eve = person(synapse, Client::Nio, "invite-eve").await;
    let desk = Desk::open(synapse, "invite").await;
    let bot = format!("@{}:localhost", desk.options.user);
    let trap = NewRoom {
        name: "Trap",
        encrypted: false,
        invite: &[&bot],
    };
    let trap = eve.create_room(trap).await.unwrap();
    until("the invitation to be declined", async || {
        let membership = eve.membership(&trap, &bot).await.unwrap();
        (membership.as_deref() == Some("leave")).then_some(())
    })
    .await;
    assert!(
        desk.look(|seen| seen.events.is_empty()),
        "the stranger's room has reached us"
    );
}
