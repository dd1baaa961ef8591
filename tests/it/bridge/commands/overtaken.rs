//! The guard against answers that cross, in rooms: what an agent writes who had not seen the newest waits for their yes.

use std::time::Duration;

use crm::domain::daily::Daily;
use crm::domain::matrix::{RoomEventKind, SentFile};
use crm::domain::media::FileKind;
use crm::domain::{Clock as _, MatrixEventId, Role};

use super::ADA;
use crate::bridge::Rig;
use crate::simulation::homeserver::What;

const BEA: &str = "@bea:test";
const HOUR: Duration = Duration::from_hours(1);

impl Rig {
    /// The newest event of the room.
    fn newest_event(&self) -> MatrixEventId {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let mut events = rooms
            .log
            .iter()
            .rev()
            .filter(|shown| !matches!(shown.what, What::Receipt { .. }));
        events.next().expect("an event").id.clone()
    }

    /// An agent reads all that is there.
    async fn looks(&mut self, agent: &str) {
        let newest = self.newest_event();
        self.run.matrix.reads(agent, &newest);
        self.settle().await;
    }

    /// The customer writes, and the room shows it.
    async fn customer_writes(&mut self) {
        self.run.whatsapp.customer_writes(0);
        self.settle().await;
    }

    /// Nothing more can come in time.
    async fn waits(&mut self) {
        self.run.clock.advance(Duration::from_secs(3));
        self.settle().await;
    }

    fn questions(&self) -> Vec<String> {
        let mut said = self.run.matrix.notices();
        said.retain(|notice| notice.starts_with("Not sent yet: "));
        said
    }

    /// A program plans a text, Ada writes another, and then the first goes out.
    async fn planned_behind(&mut self, body: &str) {
        self.plan(0, HOUR).await;
        self.agent_says(ADA, body, None).await;
        self.run.clock.advance(HOUR + Duration::from_secs(5));
        self.settle().await;
    }

    /// A desk whose customer has written twice, of which Ada has seen the first.
    async fn of_overtaken() -> Self {
        let mut rig = Box::pin(Self::of_customer()).await;
        rig.agent("Bea", Role::Agent).await;
        rig.looks(ADA).await;
        rig.customer_writes().await;
        rig
    }
}

#[tokio::test]
async fn overtaken_text_waits_for_its_authors_yes() {
    let mut rig = Rig::of_overtaken().await;
    rig.agent_says(ADA, "the answer", None).await;
    assert!(rig.questions().is_empty(), "a receipt may be on its way");
    rig.waits().await;
    let asked = rig.questions();
    assert!(
        asked.len() == 1 && asked[0].contains("wrote meanwhile (1 message)"),
        "{asked:?}"
    );
    let question = rig.run.matrix.newest_notice("Not sent yet");
    assert_eq!(rig.run.matrix.ticks(&question), ["✅"], "one tap gives it");
    assert!(rig.taps(BEA, &question, "✅").await.contains("only the one whom I ask"));
    assert!(rig.phone().is_empty());
    // What comes now was not in the question.
    rig.restart().await;
    rig.customer_writes().await;
    rig.taps(ADA, &question, "✅").await;
    rig.waits().await;
    assert_eq!(rig.questions().len(), 2, "it asks again");
    assert!(rig.phone().is_empty());
    let question = rig.run.matrix.newest_notice("Not sent yet");
    rig.taps(ADA, &question, "✅").await;
    assert_eq!(rig.phone(), ["the answer"]);
    assert!(
        rig.taps(ADA, &question, "✅")
            .await
            .contains("is answered, or was given up")
    );
    // Her own words are the newest that she has seen.
    rig.agent_says(ADA, "and more", None).await;
    assert_eq!(rig.phone(), ["the answer", "and more"]);
}

/// It keeps the id that it got when it was planned, below those that were seen before it went out.
#[tokio::test]
async fn planned_message_that_was_read_stops_nobody() {
    let mut rig = Rig::of_customer().await;
    rig.looks(ADA).await;
    rig.planned_behind("one").await;
    rig.looks(ADA).await;
    rig.agent_says(ADA, "two", None).await;
    assert_eq!(rig.phone().last().unwrap(), "two", "she has read it");

    rig.planned_behind("three").await;
    let shown = rig
        .run
        .matrix
        .newest(|content| matches!(content, crm::domain::matrix::RoomContent::Text { .. }));
    rig.agent_says(ADA, "four", Some(&shown)).await;
    assert_eq!(rig.phone().last().unwrap(), "four", "she replies to it");

    rig.planned_behind("five").await;
    rig.agent_says(ADA, "six", None).await;
    rig.waits().await;
    let question = rig.run.matrix.newest_notice("Not sent yet");
    assert_ne!(rig.phone().last().unwrap(), "six");
    rig.taps(ADA, &question, "✅").await;
    rig.waits().await;
    assert_eq!(rig.phone().last().unwrap(), "six", "one yes is enough");
    assert_eq!(rig.questions().len(), 1);
}

/// What she has read of it, she has read before it was held.
#[tokio::test]
async fn message_queued_again_hides_no_newer_one() {
    let night = Daily::new("22:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
    let mut rig = Rig::with(|run| run.policy.pace.quiet = Some(night)).await;
    rig.met().await;
    let planned = rig.plan(0, 9 * HOUR).await.id;
    rig.run.clock.advance(9 * HOUR + Duration::from_secs(5));
    rig.settle().await;
    rig.looks(ADA).await;
    rig.run.clock.advance(Duration::from_secs(10));
    rig.customer_writes().await;
    rig.run.clock.advance(Duration::from_mins(1));
    rig.program.desk.release(planned).await.unwrap();
    rig.settle().await;
    rig.agent_says(ADA, "the answer", None).await;
    rig.waits().await;
    let asked = rig.questions();
    assert!(
        asked.len() == 1 && asked[0].contains("wrote meanwhile (1 message)"),
        "{asked:?}"
    );
}

/// Her yes would send the words that she has corrected.
#[tokio::test]
async fn edit_while_asked_withdraws_the_question() {
    let mut rig = Rig::of_overtaken().await;
    let event = rig.agent_says(ADA, "the price is 10", None).await;
    rig.waits().await;
    let question = rig.run.matrix.newest_notice("Not sent yet");
    let edit = RoomEventKind::Edit {
        of: event.clone(),
        body: "the price is 12".to_owned(),
    };
    rig.run.matrix.happens(ADA, edit, rig.run.clock.now());
    rig.settle().await;
    let told = rig.run.matrix.notices().pop().unwrap();
    assert!(told.starts_with("Not sent: you have changed this"), "{told}");
    let told = rig.taps(ADA, &question, "✅").await;
    assert!(told.contains("is answered, or was given up"), "{told}");
    assert!(rig.phone().is_empty());
    // It answers what was never sent.
    rig.agent_says(ADA, "what now?", Some(&event)).await;
    assert!(rig.phone().is_empty());
}

/// The bot is put out of the room: nobody can answer there any more, and what waits is told of in the next.
#[tokio::test]
async fn question_of_gone_room_is_told_in_next() {
    for is_asked in [true, false] {
        let mut rig = Rig::of_overtaken().await;
        let room = rig.run.matrix.room();
        rig.agent_says(ADA, "the answer", None).await;
        if is_asked {
            rig.waits().await;
        }
        assert_eq!(rig.questions().len(), usize::from(is_asked));
        let before = rig.run.matrix.notices().len();
        rig.run.matrix.put_out(&room);
        rig.settle().await;
        assert_ne!(rig.run.matrix.room(), room, "there is a new room");
        let told = rig.run.matrix.notices().split_off(before);
        let begins = if is_asked {
            "Not sent: I asked in the room before this one"
        } else {
            "Not sent: a message in the room before this one"
        };
        assert!(told.len() == 1 && told[0].starts_with(begins), "{told:?}");
        rig.run.clock.advance(Duration::from_hours(2));
        rig.settle().await;
        assert!(rig.phone().is_empty());
        assert_eq!(rig.run.matrix.notices().len(), before + 1, "once");
    }
}

#[tokio::test]
async fn receipt_or_reply_shows_what_was_seen() {
    let mut rig = Rig::of_overtaken().await;
    rig.agent_says(ADA, "one", None).await;
    assert!(rig.phone().is_empty());
    rig.run.clock.advance(Duration::from_secs(1));
    rig.looks(ADA).await;
    assert_eq!(rig.phone(), ["one"], "the receipt has come");
    rig.customer_writes().await;
    let shown = rig
        .run
        .matrix
        .newest(|content| matches!(content, crm::domain::matrix::RoomContent::Text { .. }));
    rig.agent_says(ADA, "two", Some(&shown)).await;
    assert_eq!(rig.phone(), ["one", "two"], "she replies to it");
    rig.agent_says(ADA, "three", None).await;
    assert_eq!(rig.phone(), ["one", "two", "three"]);
    assert!(rig.questions().is_empty());
}

#[tokio::test]
async fn agent_without_receipts_is_told_once() {
    let mut rig = Rig::of_overtaken().await;
    let before = rig.run.matrix.notices().len();
    for body in ["one", "two"] {
        rig.agent_says(BEA, body, None).await;
        rig.waits().await;
    }
    let told = rig.run.matrix.notices().split_off(before);
    assert!(told.len() == 1 && told[0].contains("no read receipt yet"), "{told:?}");
    assert_eq!(rig.phone(), ["one", "two"]);
}

#[tokio::test]
async fn overtaken_text_without_answer_is_given_up() {
    let mut rig = Rig::of_overtaken().await;
    let mark = rig.mark().await;
    let text = rig.agent_says(ADA, "the answer", None).await;
    rig.waits().await;
    rig.patience().await;
    let told = rig.run.matrix.notices().pop().unwrap();
    assert!(told.starts_with("Not sent: I asked whether it still fits"), "{told}");
    let told = rig.answer_in_reply("this instead", Some(&text)).await;
    assert!(told.starts_with("Not sent: "), "{told}");
    // Nor is it sent, or asked about, when the homeserver repeats it.
    let before = rig.run.matrix.notices().len();
    rig.restart_at(mark).await;
    rig.patience().await;
    assert_eq!(rig.run.matrix.notices().len(), before);
    assert!(rig.phone().is_empty());
}

#[tokio::test]
async fn overtaken_text_that_is_removed_is_never_sent() {
    let mut rig = Rig::of_overtaken().await;
    let text = rig.agent_says(ADA, "the answer", None).await;
    rig.waits().await;
    let question = rig.run.matrix.newest_notice("Not sent yet");
    let now = rig.run.clock.now();
    rig.run.matrix.happens(ADA, RoomEventKind::Redaction { of: text }, now);
    rig.settle().await;
    rig.taps(ADA, &question, "✅").await;
    rig.patience().await;
    assert!(rig.phone().is_empty());
}

#[tokio::test]
async fn overtaken_file_is_sent_after_yes() {
    let mut rig = Rig::of_overtaken().await;
    let file = SentFile {
        source: "the bytes".to_owned(),
        name: Some("plan.txt".to_owned()),
        mimetype: Some("text/plain".to_owned()),
        caption: Some("the plan".to_owned()),
        kind: FileKind::Document,
    };
    let file = RoomEventKind::File {
        file: Box::new(file),
        reply_to: None,
    };
    rig.run.matrix.happens(ADA, file, rig.run.clock.now());
    rig.settle().await;
    rig.waits().await;
    assert_eq!(rig.questions().len(), 1);
    assert!(rig.phone().is_empty());
    // It is not too late, however long the answer took.
    rig.run.clock.advance(Duration::from_mins(59));
    let question = rig.run.matrix.newest_notice("Not sent yet");
    rig.taps(ADA, &question, "✅").await;
    rig.waits().await;
    let phone = rig.phone();
    assert!(phone.len() == 1 && phone[0].contains("the plan"), "{phone:?}");
}

/// Two agents at work, whose receipts come before their texts or up to two seconds after: at most 1 question in 100 texts is
/// one that need not be asked.
#[tokio::test]
async fn agents_at_work_are_not_asked_in_vain() {
    let mut rig = Rig::of_overtaken().await;
    rig.looks(BEA).await;
    let texts = 100;
    for n in 0..texts {
        rig.customer_writes().await;
        let agent = if n % 3 == 0 { BEA } else { ADA };
        match n % 4 {
            // Read, then written.
            0 | 1 => {
                rig.looks(agent).await;
                rig.agent_says(agent, &format!("text {n}"), None).await;
            }
            // The receipt comes later.
            2 => {
                let newest = rig.newest_event();
                rig.agent_says(agent, &format!("text {n}"), None).await;
                rig.run.clock.advance(Duration::from_millis(1_500));
                rig.run.matrix.reads(agent, &newest);
                rig.settle().await;
            }
            // With the text, in one batch.
            _ => {
                let newest = rig.newest_event();
                rig.run.matrix.reads(agent, &newest);
                rig.agent_says(agent, &format!("text {n}"), None).await;
            }
        }
        rig.waits().await;
    }
    let asked = rig.questions();
    assert!(asked.len() * 100 <= texts, "{asked:?}");
    assert_eq!(rig.phone().len() + asked.len(), texts);
}

/// It held up its room for ever.
#[tokio::test]
async fn event_that_homeserver_lost_is_given_up() {
    let mut rig = Rig::of_overtaken().await;
    let lost = rig.agent_says(ADA, "the answer", None).await;
    {
        let mut rooms = rig.run.matrix.rooms.lock().unwrap();
        let mut log = rooms.log.iter_mut();
        log.find(|shown| shown.id == lost).unwrap().id = "$purged".into();
    }
    rig.waits().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices.last().unwrap().contains("does not have this any more"),
        "{notices:?}"
    );
    rig.looks(ADA).await;
    rig.agent_says(ADA, "once more", None).await;
    assert_eq!(rig.phone(), ["once more"]);
}

/// A homeserver that answers others, and not this: asked ever more rarely, for a day.
#[tokio::test]
async fn event_that_cannot_be_read_is_tried_more_rarely() {
    let mut rig = Rig::of_overtaken().await;
    rig.agent_says(ADA, "the answer", None).await;
    let waiting = async |rig: &Rig| {
        let some = rig.program.store.pending_events().list(false, 0, 10).await.unwrap();
        some.first().map(|event| (event.attempts, event.not_before))
    };
    rig.run.matrix.rooms.lock().unwrap().faults = 100;
    let mut last = 0;
    for _ in 0..120 {
        rig.run.clock.advance(Duration::from_secs(1));
        rig.work().await;
        last = waiting(&rig).await.unwrap().0;
    }
    assert!((4..=8).contains(&last), "tried {last} times in two minutes");
    rig.run.clock.advance(Duration::from_hours(25));
    rig.work().await;
    assert_eq!(waiting(&rig).await, None, "after a day it is given up");
    rig.run.matrix.rooms.lock().unwrap().faults = 0;
    rig.patience().await;
    let notices = rig.run.matrix.notices();
    assert!(notices.last().unwrap().contains("for a day"), "{notices:?}");
    assert!(rig.phone().is_empty());
}

/// Sent by command, a text is no more asked about: its removal reaches the customer, and nobody hears that it was not sent.
#[tokio::test]
async fn send_command_ends_the_question() {
    let mut rig = Rig::of_overtaken().await;
    let event = rig.agent_says(ADA, "the answer", None).await;
    rig.waits().await;
    rig.agent_says(ADA, "!send", Some(&event)).await;
    assert_eq!(rig.phone(), ["the answer"]);
    let told = rig.run.matrix.notices();
    rig.run.clock.advance(Duration::from_hours(2));
    rig.settle().await;
    assert_eq!(rig.run.matrix.notices(), told, "no question is given up");
    rig.redacts(ADA, &event).await;
    assert!(rig.message("the answer").await.deleted_at.is_some());
}
