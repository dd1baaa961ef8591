//! Sending: once for each transaction id, whatever the homeserver does in between.

use std::time::Duration;

use crm::domain::matrix::{Matrix, MatrixError, RoomContent, Speaker, TxnId};
use testbed::agents::{Client, Message};
use testbed::quick;
use testbed::servers::{RateLimits, Synapse, SynapseOptions};
use tokio::time::Instant;

use super::desk::{Desk, SOON, ada, person, spec, text};

fn txn(id: &str) -> TxnId {
    TxnId(id.to_owned())
}

/// rule 18.
#[tokio::test]
async fn transaction_id_is_one_event_and_findable() {
    if quick() {
        return;
    }
    let synapse = Synapse::shared().await.unwrap();
    let nils = person(synapse, Client::Nio, "txn-nils").await;
    let desk = Desk::open(synapse, "txn").await;
    let room = desk.bot.ensure_room(&spec("txn-ada", &[&nils])).await.unwrap();
    let first = desk.say(&room, "i.1.0", "hello").await;
    assert_eq!(desk.say(&room, "i.1.0", "hello").await, first);
    let since = desk.look(|seen| seen.since.clone());
    let desk = desk.restart().await;
    desk.follow(since);
    assert_eq!(
        desk.say(&room, "i.1.0", "hello").await,
        first,
        "a restart is no new session"
    );
    desk.say(&room, "i.2.0", "the last").await;

    let last = nils.until_text(room.as_str(), "Ada: the last", SOON).await.unwrap();
    let is_text = |seen: &Message| seen.kind == "m.room.message";
    let timeline = nils.timeline(room.as_str()).await.unwrap();
    let bodies: Vec<&str> = timeline
        .iter()
        .filter(|seen| is_text(seen))
        .map(Message::body)
        .collect();
    assert_eq!(bodies, ["Ada: hello", "Ada: the last"]);

    assert_eq!(
        desk.bot.find_sent(&room, &txn("i.1.0")).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(desk.bot.find_sent(&room, &txn("i.1.1")).await.unwrap(), None);

    let tick = RoomContent::Reaction {
        to: first.clone(),
        key: "✓".to_owned(),
    };
    let tick = desk
        .bot
        .send(&room, &Speaker::Desk, &txn("i.1.tick"), &tick)
        .await
        .unwrap();
    assert_eq!(
        desk.bot.find_sent(&room, &txn("i.1.tick")).await.unwrap(),
        Some(tick.clone())
    );
    let key = nils
        .until_reaction(room.as_str(), first.as_str(), |_| true, SOON)
        .await
        .unwrap();
    assert_eq!(key, "✓");
    let mut up_to = desk.bot.events_up_to(&room, &tick).await.unwrap();
    up_to.retain(|event| [&tick, &first].contains(&event) || event.as_str() == last.event_id);
    let last_said: crm::domain::MatrixEventId = last.event_id.as_str().into();
    assert_eq!(up_to, [tick.clone(), last_said, first.clone()], "the newest first");
    desk.bot.redact(&room, &tick, &txn("i.1.untick")).await.unwrap();
    desk.bot.redact(&room, &tick, &txn("i.1.untick")).await.unwrap();
    nils.until("the tick to go", SOON, |mirror| {
        (mirror.reactions(room.as_str(), first.as_str()).count() == 0).then_some(())
    })
    .await
    .unwrap();

    desk.bot
        .mark_read(&room, None, &last.event_id.as_str().into())
        .await
        .unwrap();
    let bot = format!("@{}:localhost", desk.options.user);
    nils.until_read(room.as_str(), &bot, &last.event_id, SOON)
        .await
        .unwrap();
}

/// `kill -9` of the homeserver in the middle of it: with the same transaction ids nothing is lost, doubled or out of order.
#[tokio::test]
async fn killed_homeserver_loses_and_doubles_nothing() {
    const SENDS: usize = 40;
    if quick() {
        return;
    }
    let mut synapse = Synapse::start(SynapseOptions::default()).await.unwrap();
    let nils = person(&synapse, Client::Nio, "nils").await;
    let desk = Desk::open(&synapse, "kill").await;
    let room = desk.bot.ensure_room(&spec("kill-ada", &[&nils])).await.unwrap();
    desk.say(&room, "t", "first").await;
    let sends = async {
        for number in 0..SENDS {
            desk.say(&room, &format!("t{number}"), &format!("{number}")).await;
        }
    };
    let kills = async {
        for pause in [150, 400] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            synapse.restart().await.unwrap();
        }
    };
    tokio::join!(sends, kills);
    nils.until_text(room.as_str(), &format!("Ada: {}", SENDS - 1), SOON)
        .await
        .unwrap();
    let timeline = nils.timeline(room.as_str()).await.unwrap();
    let bodies: Vec<&str> = timeline
        .iter()
        .map(Message::body)
        .filter(|body| body.starts_with("Ada: "))
        .collect();
    let mut expected = vec!["Ada: first".to_owned()];
    expected.extend((0..SENDS).map(|number| format!("Ada: {number}")));
    assert_eq!(bodies, expected);
}

/// rule 20: the SDK would wait a 429 out for minutes without a word.
#[tokio::test]
async fn rate_limited_send_returns_wait_at_once() {
    if quick() {
        return;
    }
    let limits = SynapseOptions {
        rate_limits: RateLimits::Standard,
        ..SynapseOptions::default()
    };
    let synapse = Synapse::start(limits).await.unwrap();
    let desk = Desk::open(&synapse, "slow").await;
    let room = desk.bot.ensure_room(&spec("slow-ada", &[])).await.unwrap();
    desk.say(&room, "t", "first").await;
    let mut slowed = None;
    for number in 0..50 {
        let begun = Instant::now();
        if let Err(error) = desk
            .bot
            .send(&room, &ada(), &txn(&format!("t{number}")), &text("x"))
            .await
        {
            slowed = Some((error, begun.elapsed()));
            break;
        }
    }
    let (error, took) = slowed.expect("fifty messages at once are too many by Synapse's own limits");
    let MatrixError::Unreachable {
        retry_after: Some(pause),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(pause > Duration::ZERO && pause < Duration::from_mins(2), "{pause:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}
