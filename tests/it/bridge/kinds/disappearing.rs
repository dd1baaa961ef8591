//! Disappearing messages: at their time they are gone, unless people keep them.

use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{Core, DisappearingWorker, Progress, Random, Worker as _};
use crm::contract::EventType;
use crm::domain::AccountId;
use crm::domain::details::Details;
use crm::domain::media::MediaState;
use crm::domain::message::Kind;
use crm::domain::whatsapp::{PageEvent, WaMessage};
use tokio::sync::watch;

use crate::bridge::Rig;

/// The timer of a disappearing message.
fn expiring(seconds: u32) -> Details {
    Details {
        expires_after_s: Some(seconds),
        ..Details::default()
    }
}

async fn worker(rig: &Rig, account: AccountId) -> DisappearingWorker {
    let policy = rig.run.policy.clone();
    let clock = Arc::new(rig.run.clock.clone());
    let core = Core::new(
        rig.program.store.clone(),
        rig.run.vault(),
        clock,
        Random::seeded(1),
        policy,
    );
    DisappearingWorker::new(core.await.unwrap(), account)
}

/// A worker that knows nothing but the store: as of a removed account.
async fn vanishing(rig: &Rig, account: AccountId) -> Progress {
    worker(rig, account).await.step().await.unwrap()
}

/// A worker as after a new start, whose page is compared when it is told so.
async fn starting(rig: &Rig, account: AccountId, resynced: &watch::Sender<u64>) -> DisappearingWorker {
    let page = Arc::new(rig.run.whatsapp.clone());
    worker(rig, account).await.hearing(page, resynced.subscribe())
}

#[tokio::test]
async fn kept_message_outlasts_its_timer() {
    let mut rig = Rig::new().await;
    let promised = rig.told("KEPT", Kind::Text, "a promise", expiring(60));
    rig.tell(promised.clone());
    let kept = |is_kept| PageEvent::Kept {
        target: promised.key(),
        is_kept,
        at: promised.timestamp,
    };
    rig.run.whatsapp.event(kept(true));
    rig.run.whatsapp.event(kept(true));
    rig.settle().await;
    let account = rig.stored("KEPT").await.account_id;
    rig.run.clock.advance(Duration::from_secs(61));
    vanishing(&rig, account).await;
    let stays = rig.stored("KEPT").await;
    assert_eq!(
        (stays.content.as_str(), stays.details.unwrap().kept),
        ("a promise", true)
    );
    // What the page tells of it again changes nothing.
    rig.tell(promised.clone());
    rig.settle().await;
    vanishing(&rig, account).await;
    assert_eq!(rig.stored("KEPT").await.content, "a promise");

    rig.run.whatsapp.event(kept(false));
    rig.settle().await;
    vanishing(&rig, account).await;
    let gone = rig.stored("KEPT").await;
    assert_eq!((gone.content.as_str(), gone.deleted_at.is_some()), ("", true));
    rig.run.whatsapp.event(kept(true));
    rig.settle().await;
    assert_eq!(rig.stored("KEPT").await.content, "", "what is gone stays so");
}

#[tokio::test]
async fn message_disappears_on_time_after_restart() {
    let mut rig = Rig::new().await;
    rig.tell(rig.told("SHORT", Kind::Text, "a secret", expiring(3600)));
    rig.settle().await;
    let account = rig.stored("SHORT").await.account_id;
    vanishing(&rig, account).await;
    assert_eq!(rig.stored("SHORT").await.content, "a secret", "not before its time");
    rig.run.clock.advance(Duration::from_secs(3601));
    let resynced = watch::Sender::new(0);
    let mut worker = starting(&rig, account, &resynced).await;
    assert_eq!(worker.step().await.unwrap(), Progress::Idle);
    assert_eq!(
        rig.stored("SHORT").await.content,
        "a secret",
        "the page may say yet that it is kept"
    );
    // The page does not come.
    rig.run.clock.advance(Duration::from_hours(1));
    assert_eq!(worker.step().await.unwrap(), Progress::Worked);
    let gone = rig.stored("SHORT").await;
    assert_eq!((gone.content.as_str(), gone.deleted_at.is_some()), ("", true));
    let told = rig.events(EventType::MessageDeleted).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["details"]["disappeared"], true);
    assert_eq!(vanishing(&rig, account).await, Progress::Idle);
    // What the page still shows of it brings nothing back.
    rig.run.whatsapp.reload();
    rig.settle().await;
    assert_eq!(rig.stored("SHORT").await.content, "");
}

/// It was kept while the server was off, and is older than what the comparison with the page searches.
#[tokio::test]
async fn message_kept_during_absence_stays() {
    let mut rig = Rig::new().await;
    let promised = rig.told("KEPT", Kind::Text, "a promise", expiring(60));
    rig.tell(promised.clone());
    rig.tell(rig.told("GONE", Kind::Text, "a secret", expiring(60)));
    rig.settle().await;
    let account = rig.stored("KEPT").await.account_id;
    rig.run.clock.advance(Duration::from_secs(61));
    let resynced = watch::Sender::new(0);
    let mut worker = starting(&rig, account, &resynced).await;
    assert_eq!(worker.step().await.unwrap(), Progress::Idle);
    assert_eq!(rig.stored("KEPT").await.content, "a promise");
    assert_eq!(rig.stored("GONE").await.content, "a secret");

    let kept = Details {
        kept: true,
        ..expiring(60)
    };
    rig.run.whatsapp.world.lock().unwrap().stored.push(WaMessage {
        details: Some(kept),
        ..promised
    });
    resynced.send_replace(u64::MAX);
    while worker.step().await.unwrap() == Progress::Worked {}
    let stays = rig.stored("KEPT").await;
    assert_eq!(
        (stays.content.as_str(), stays.details.unwrap().kept),
        ("a promise", true)
    );
    assert_eq!(rig.stored("GONE").await.content, "");
    rig.run.clock.advance(Duration::from_hours(48));
    assert_eq!(worker.step().await.unwrap(), Progress::Idle);
    assert_eq!(rig.stored("KEPT").await.content, "a promise");
}

/// The page shows the message for a while yet, and tells it again.
#[tokio::test]
async fn file_of_disappeared_message_stays_gone() {
    let mut rig = Rig::with(|run| run.whatsapp.world.lock().unwrap().with_media = true).await;
    let secret = rig.told("IN9000", Kind::Document, "a secret", expiring(60));
    rig.tell(secret.clone());
    rig.settle().await;
    let stored = rig.stored("IN9000").await;
    assert_eq!(stored.media.unwrap().state, MediaState::Stored);
    rig.run.clock.advance(Duration::from_secs(61));
    vanishing(&rig, stored.account_id).await;
    assert_eq!(rig.stored("IN9000").await.media, None);

    let told = rig.events(EventType::MessageMedia).await.len();
    rig.tell(secret);
    rig.settle().await;
    let gone = rig.stored("IN9000").await;
    assert_eq!((gone.content.as_str(), gone.media), ("", None));
    assert_eq!(rig.events(EventType::MessageMedia).await.len(), told);
    let media = rig.program.store.media().count().await.unwrap();
    assert_eq!(media.values().sum::<u64>(), 1, "none is fetched again: {media:?}");
}
