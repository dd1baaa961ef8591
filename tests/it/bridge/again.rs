//! Messages that have their stanza id, and that a kill kept from the page: what became of their time meanwhile.

use std::time::Duration;

use crm::domain::daily::Daily;
use crm::domain::message::MessageState;

use super::Rig;
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
#[tokio::test]
async fn text_found_absent_at_night_waits() {
    let night = |run: &mut Run| {
        let quiet = Daily::new("22:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
        run.policy.pace.quiet = Some(quiet);
    };
    let mut rig = Rig::of_killed_before_hand_over(night).await;
    rig.run.clock.advance(Duration::from_hours(9));
    rig.settle().await;
    assert_eq!(rig.taken(), 0, "it is 23:13");
    rig.run.clock.advance(Duration::from_hours(8));
    rig.settle().await;
    assert_eq!(
        (rig.taken(), rig.message("see you in an hour").await.state),
        (1, MessageState::Read)
    );
}
