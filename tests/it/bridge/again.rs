//! Messages that have their stanza id, and that a kill kept from the page: what became of their time meanwhile.

use std::time::Duration;

use crm::bridge::Revision;
use crm::domain::daily::Daily;
use crm::domain::message::MessageState;
use crm::domain::pacing::WaitReason;

use super::{Rig, owner};
use crate::simulation::run::Run;

/// More calls to the outside than a send makes.
const CALLS: u32 = 40;

impl Rig {
    /// A desk that was killed between the choice of a text's stanza id and its hand-over, and has started again.
    async fn of_killed_before_hand_over(change: impl Fn(&mut Run) + Copy) -> Self {
        for calls in 1..CALLS {
            let mut rig = Box::pin(Self::with(change)).await;
            Box::pin(rig.met()).await;
            rig.send(1, "see you in an hour").await;
            rig.run.gate.crash_after(calls);
            let is_killed = Box::pin(rig.run.work_until_killed(&mut rig.program)).await;
            rig.run.gate.disarm();
            if is_killed {
                Box::pin(rig.start_killed_anew()).await;
            }
            if rig.message("see you in an hour").await.state == MessageState::Sending && rig.taken() == 0 {
                return rig;
            }
        }
        panic!("no kill came between choice and hand-over");
    }

    /// How many messages WhatsApp has from us.
    fn taken(&self) -> usize {
        self.run.whatsapp.world.lock().unwrap().accepted.len()
    }

    /// Our texts that the page has.
    fn texts_on_page(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let told = world.chats.iter().flat_map(|chat| &chat.on_page);
        told.filter(|told| told.from_me).map(|told| told.text.clone()).collect()
    }
}

#[tokio::test]
async fn text_found_absent_too_late_fails() {
    let mut rig = Rig::of_killed_before_hand_over(|_| {}).await;
    rig.run.clock.advance(Duration::from_hours(25));
    rig.settle().await;
    let late = rig.message("see you in an hour").await;
    assert_eq!(
        (late.state, late.failure.unwrap().code.as_str()),
        (MessageState::Failed, "expired")
    );
    assert_eq!(rig.taken(), 0);
    // A person may still want it: it goes under the same id, with a time of its own.
    rig.program.desk.retry(late.id).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.message("see you in an hour").await.state, MessageState::Read);
    assert_eq!(rig.taken(), 1);
}

/// The runs begin at 14:13:20 UTC.
fn night(run: &mut Run) {
    let quiet = Daily::new("22:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
    run.policy.pace.quiet = Some(quiet);
}

#[tokio::test]
async fn text_found_absent_at_night_waits() {
    let mut rig = Rig::of_killed_before_hand_over(night).await;
    rig.run.clock.advance(Duration::from_hours(9));
    rig.settle().await;
    assert_eq!(rig.taken(), 0, "it is 23:13");
    let waits = rig.message("see you in an hour").await;
    let why = waits.waiting.map(|waiting| waiting.reason);
    assert_eq!((waits.state, why), (MessageState::Queued, Some(WaitReason::QuietHours)));
    rig.run.clock.advance(Duration::from_hours(8));
    rig.settle().await;
    assert_eq!(
        (rig.taken(), rig.message("see you in an hour").await.state),
        (1, MessageState::Read)
    );
}

/// As of any other that waits: its expiry is counted from the morning, and nothing of it has gone out.
#[tokio::test]
async fn text_that_waits_for_morning_can_be_changed() {
    let short = |run: &mut Run| {
        night(run);
        run.policy.send_expires = Some(Duration::from_hours(12));
    };
    for is_cancelled in [false, true] {
        let mut rig = Rig::of_killed_before_hand_over(short).await;
        rig.run.clock.advance(Duration::from_hours(9));
        rig.settle().await;
        let id = rig.message("see you in an hour").await.id;
        if is_cancelled {
            rig.program.desk.cancel(id).await.unwrap();
        } else {
            let changed = Revision::Edit("see you at nine".to_owned());
            rig.program.desk.revise(id, changed, owner()).await.unwrap();
        }
        rig.run.clock.advance(Duration::from_hours(8));
        rig.settle().await;
        let expected: &[&str] = if is_cancelled { &[] } else { &["see you at nine"] };
        assert_eq!(rig.texts_on_page(), expected);
    }
}

/// WhatsApp counts from the hand-over, which came hours after the choice.
#[tokio::test]
async fn text_handed_over_after_outage_can_be_edited() {
    let mut rig = Rig::of_killed_before_hand_over(|_| {}).await;
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    let sent = rig.message("see you in an hour").await;
    assert_eq!((rig.taken(), sent.state), (1, MessageState::Read));
    let changed = Revision::Edit("see you at six".to_owned());
    rig.program.desk.revise(sent.id, changed, owner()).await.unwrap();
}

#[tokio::test]
async fn text_deleted_while_it_fails_is_not_offered_again() {
    let mut rig = Rig::of_killed_before_hand_over(|_| {}).await;
    let id = rig.message("see you in an hour").await.id;
    rig.program.desk.revise(id, Revision::Delete, owner()).await.unwrap();
    rig.run.clock.advance(Duration::from_hours(25));
    rig.settle().await;
    let late = rig.message("see you in an hour").await;
    assert_eq!((late.state, late.deleted_at.is_some()), (MessageState::Failed, true));
    assert!(rig.program.desk.retry(id).await.is_err());
    assert_eq!(rig.taken(), 0);
}
