//! How far an agent's message is, told to the client that sent it.

use std::time::Duration;

use crm::domain::matrix::{RoomContent, RoomEventKind};
use crm::domain::shown::{FailedBy, SendOutcome, SendStatus};
use crm::domain::{Clock as _, MatrixEventId};

use super::{ADA, text};
use crate::bridge::Rig;

impl Rig {
    /// States of an event that its client was told, in order.
    pub(super) fn statuses(&self, event: &MatrixEventId) -> Vec<SendStatus> {
        self.run.matrix.sent(|_, content| match content {
            RoomContent::Status(status) if status.of == *event => Some(status.clone()),
            _ => None,
        })
    }
}

#[tokio::test]
async fn agents_client_is_told_each_step_once() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let event = rig.run.matrix.happens(ADA, text("patience"), rig.run.clock.now());
    rig.work().await;
    assert!(rig.statuses(&event).is_empty(), "nothing to say yet");
    rig.run.clock.advance(Duration::from_secs(31));
    rig.work().await;
    rig.run.whatsapp.set_online(true);
    for _ in 0..3 {
        rig.work().await;
        rig.run.whatsapp.progress(false);
        rig.work().await;
    }
    let told = rig.statuses(&event);
    let outcomes: Vec<_> = told.iter().map(|status| status.outcome).collect();
    assert_eq!(
        outcomes,
        [SendOutcome::Pending, SendOutcome::Sent, SendOutcome::Delivered],
        "that it is read, the receipt says"
    );
    assert!(told[0].why.as_ref().unwrap().starts_with("Not sent yet"));
    let reader = rig.message("patience").await.customer_id;
    assert!(told.iter().all(|status| status.reader == reader && reader.is_some()));
}

/// No client shows a state of what is sent from elsewhere: it is the bot's own event.
#[tokio::test]
async fn failure_says_why_and_elsewhere_tells_no_client() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let event = rig.run.matrix.happens(ADA, text("too late"), rig.run.clock.now());
    rig.send(0, "from the shell").await;
    rig.work().await;
    rig.run.clock.advance(Duration::from_hours(25));
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let told = rig.statuses(&event);
    let last = told.last().unwrap();
    assert_eq!(last.outcome, SendOutcome::Retriable(FailedBy::Age));
    let why = last.why.as_deref().unwrap();
    assert!(why.starts_with("This was not sent: "), "{why}");
    assert!(rig.run.matrix.notices().iter().any(|notice| notice == why));
    let all = rig.run.matrix.sent(|_, content| match content {
        RoomContent::Status(status) => Some(status.of.clone()),
        _ => None,
    });
    assert!(all.iter().all(|of| *of == event), "{all:?}");
}

#[tokio::test]
async fn lost_answer_repeats_no_status() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.run.matrix.happens(ADA, text("hello"), rig.run.clock.now());
    rig.take_in_rooms().await;
    rig.run.matrix.lose_next_answer_of_a_send();
    rig.settle().await;
    rig.restart().await;
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    let outcomes: Vec<_> = rig.statuses(&event).iter().map(|status| status.outcome).collect();
    assert_eq!(outcomes, [SendOutcome::Delivered], "{outcomes:?}");
}

/// What an agent writes for the customer and is refused at once fails at their client, with the answer's words.
#[tokio::test]
async fn refused_message_fails_at_agents_client() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let card = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Card { .. }));
    let reply = RoomEventKind::Text {
        body: "inside".to_owned(),
        reply_to: Some(card),
    };
    for (what, ago) in [
        (text("late"), Duration::from_hours(2)),
        (text(&"x".repeat(70_000)), Duration::ZERO),
        (reply, Duration::ZERO),
        (RoomEventKind::Unsupported("audio".to_owned()), Duration::ZERO),
    ] {
        let at = rig.run.clock.now().minus(ago);
        let event = rig.run.matrix.happens(ADA, what.clone(), at);
        rig.settle().await;
        let told = rig.statuses(&event);
        assert_eq!(told.len(), 1, "{what:?}: {told:?}");
        assert_eq!(told[0].outcome, SendOutcome::Final(FailedBy::Refused), "{what:?}");
        let why = told[0].why.clone().unwrap();
        assert!(why.starts_with("Not sent"), "{why}");
        assert_eq!(rig.run.matrix.notices().pop(), Some(why), "the same words");
    }
    // Nor is a question a failure, or a command a message.
    for said in ["!frobnicate", "!help"] {
        let event = rig.in_room(ADA, text(said)).await;
        assert!(rig.statuses(&event).is_empty(), "{said}");
    }
    // Killed between the two, both are there once.
    for passages in 0..6 {
        let event = rig
            .run
            .matrix
            .happens(ADA, RoomEventKind::Unsupported("audio".to_owned()), rig.run.clock.now());
        rig.run.gate.crash_after(passages);
        if rig.run.work_until_killed(&mut rig.program).await {
            rig.start_killed_anew().await;
        }
        rig.run.gate.disarm();
        rig.settle().await;
        assert_eq!(rig.statuses(&event).len(), 1, "after {passages}");
    }
}
