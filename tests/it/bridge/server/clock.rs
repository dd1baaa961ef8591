//! The server's clock is wrong.

use std::time::Duration;

use crm::bridge::{
    Answered, DisappearingWorker, Idempotency, Kept, SendCommand, SendTo, Upload, Worker as _, check_clock, tidy,
};
use crm::domain::history::HistoryDepth;
use crm::domain::media::Sink as _;
use crm::domain::message::MessageState;
use crm::domain::outbox::WhatsAppWork;
use crm::domain::{Clock as _, MediaId, OwnerId, Seq};
use crm::store::Busy;
use futures_util::FutureExt;

use crate::bridge::{Rig, owner};

const DAY: Duration = Duration::from_hours(24);
const AHEAD: Duration = Duration::from_hours(40 * 24);

const KEPT: Kept = Kept {
    journal: Duration::from_hours(30 * 24),
    audit: Duration::from_hours(30 * 24),
};

fn order(phone: &crm::domain::customer::PhoneNumber) -> SendCommand {
    SendCommand {
        idempotency: Some(Idempotency {
            scope: OwnerId(1),
            key: "order-7".to_owned(),
            body_hash: [7; 32],
        }),
        ..SendCommand::of(SendTo::Phone(phone.clone()), "once", owner())
    }
}

impl Rig {
    fn clock_notices(&self) -> Vec<String> {
        let notices = self.run.matrix.notices();
        notices.into_iter().filter(|notice| notice.contains("clock")).collect()
    }

    async fn upload(&self) -> MediaId {
        let mut incoming = self.program.desk.incoming().unwrap();
        incoming.write(b"%PDF-1.4 offer").await.unwrap();
        match self.program.desk.upload(incoming, Upload::default()).await.unwrap() {
            Answered::New(media) => media.id,
            Answered::Replayed(answer) => panic!("replayed: {answer:?}"),
        }
    }

    /// Works as a server does in an hour: checks its clock, deletes what is old, and lets messages disappear.
    async fn hour(&mut self) {
        check_clock(&self.program.core).await.unwrap();
        tidy(&self.program.core, KEPT).await.unwrap();
        let account = self.messages().await[0].account_id;
        let mut disappearing = DisappearingWorker::new(self.program.core.clone(), account);
        disappearing.step().await.unwrap();
        self.work().await;
    }
}

/// Nothing is erased by a clock that was set 40 days ahead, nor by setting it back; both are told once.
#[tokio::test]
async fn clock_set_ahead_and_back_erases_nothing() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.hour().await;
    let store = rig.program.store.clone();
    let phone = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.clone();
    let asked = rig.program.desk.send(order(&phone)).await.unwrap();
    assert!(matches!(asked, Answered::New(_)));
    rig.settle().await;
    let vanishing = rig.messages().await[0].clone();
    let at = rig.run.clock.now().plus(DAY);
    store
        .write((vanishing.id, at), |tx, &(id, at)| {
            async move { tx.messages().set_disappearing(id, at).await }.boxed()
        })
        .await
        .unwrap();
    let upload = rig.upload().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "a minute ago").await;
    let accepted = rig.run.whatsapp.world.lock().unwrap().accepted.len();
    let oldest = store.journal().range().await.unwrap().oldest;
    assert_eq!(oldest, Seq(1));

    rig.run.clock.advance(AHEAD);
    rig.run.whatsapp.set_online(true);
    for _ in 0..3 {
        rig.hour().await;
        rig.run.clock.advance(Duration::from_hours(1));
    }
    let told = rig.clock_notices();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("crm doctor --confirm-clock"), "{told:?}");
    assert!(store.clock_doubted_until().await.unwrap().is_some());
    assert_eq!(
        rig.run.whatsapp.world.lock().unwrap().accepted.len(),
        accepted,
        "whether the text is a minute old or 40 days, nobody knows"
    );

    rig.run.clock.set_back(AHEAD + Duration::from_hours(3));
    rig.hour().await;
    assert_eq!(store.clock_doubted_until().await.unwrap(), None);
    let told = rig.clock_notices().split_off(1);
    assert_eq!(told.len(), 1, "its end, once: {told:?}");
    rig.hour().await;
    assert_eq!(rig.clock_notices().len(), 2);
    assert_eq!(store.journal().range().await.unwrap().oldest, oldest);
    let again = rig.program.desk.send(order(&phone)).await.unwrap();
    assert!(matches!(again, Answered::Replayed(_)), "the answer is kept");
    assert!(store.media().get(upload).await.unwrap().is_some());
    let kept = store.messages().get(vanishing.id).await.unwrap().unwrap();
    assert_eq!((kept.content, kept.deleted_at), (vanishing.content, None));
    rig.settle().await;
    assert_eq!(rig.message("a minute ago").await.state, MessageState::Read);
    assert_eq!(
        rig.run.whatsapp.world.lock().unwrap().accepted.len(),
        accepted + 1,
        "once"
    );
}

/// Work that was postponed by a clock that was ahead does not wait for that time to come.
#[tokio::test]
async fn clock_set_back_recalls_postponed_work() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.hour().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let sent = rig.send(0, "hello again").await;
    rig.run.clock.advance(AHEAD);
    rig.hour().await;
    let store = rig.program.store.clone();
    let now = rig.run.clock.now();
    let (outbox, busy) = (store.outbox(), Busy::default());
    let ready = outbox.ready::<WhatsAppWork>(Some(sent.account_id), now, 1, &busy);
    let item = ready.await.unwrap()[0].id;
    store
        .write((item, now.plus(DAY)), |tx, &(item, at)| {
            async move { tx.outbox().retry(item, at, "tried by a wrong clock", false).await }.boxed()
        })
        .await
        .unwrap();
    rig.run.clock.set_back(AHEAD);
    rig.run.whatsapp.set_online(true);
    rig.hour().await;
    rig.settle().await;
    assert_eq!(rig.message("hello again").await.state, MessageState::Read);
}

/// Rule 9. A fresh machine's clock is ahead at the first login, by hours or by less than what counts as set back.
#[tokio::test]
async fn login_with_clock_ahead_hides_no_message() {
    for ahead in [Duration::from_hours(3), Duration::from_secs(30)] {
        let mut rig = Box::pin(Rig::begin(|run| {
            run.policy.history = HistoryDepth::None;
            run.clock.advance(ahead);
        }))
        .await;
        rig.work().await;
        check_clock(&rig.program.core).await.unwrap();
        rig.run.clock.set_back(ahead);
        check_clock(&rig.program.core).await.unwrap();
        let now = rig.run.clock.now();
        let store = rig.program.store.clone();
        let account = store.accounts().by_name("default").await.unwrap().unwrap();
        assert!(account.watermark.is_some_and(|at| at <= now), "{account:?}");
        let history = store.history().get(account.id).await.unwrap().unwrap();
        assert!(history.since.is_some_and(|at| at <= now), "{history:?}");
        rig.met().await;
        let message = rig.messages().await.remove(0);
        assert!(!message.backfilled, "{ahead:?}: {message:?}");
        assert_eq!(rig.unread().await, 1);
    }
}

/// A machine that was off for 40 days is right: a person says so, and what is old goes.
#[tokio::test]
async fn confirmed_clock_is_believed_at_once() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.hour().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "a minute ago").await;
    rig.run.clock.advance(AHEAD);
    rig.hour().await;
    assert_eq!(rig.message("a minute ago").await.state, MessageState::Queued);
    rig.program.desk.confirm_clock().await.unwrap();
    rig.hour().await;
    let store = rig.program.store.clone();
    assert_eq!(store.clock_doubted_until().await.unwrap(), None);
    assert_eq!(rig.clock_notices().len(), 2, "{:?}", rig.clock_notices());
    let failed = rig.message("a minute ago").await;
    assert_eq!(failed.state, MessageState::Failed);
    assert_eq!(failed.failure.unwrap().code, "expired");
    assert!(store.journal().range().await.unwrap().oldest > Seq(1));
}
