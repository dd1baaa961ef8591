//! Notes in rooms: written there, shown there, removed there.

use crm::bridge::{Answered, NewNote};
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::{Author, Origin};
use crm::domain::{Clock as _, NoteId};

use super::{ADA, text};
use crate::bridge::Rig;

impl Rig {
    async fn note_by_api(&self, content: &str) -> NoteId {
        let new = NewNote {
            conversation: self.conversation().await.id,
            content: content.to_owned(),
            author: Author {
                origin: Some(Origin::Api),
                name: "Bob".to_owned(),
            },
            idempotency: None,
        };
        match self.program.desk.note(new).await.unwrap() {
            Answered::New(note) => note.id,
            Answered::Replayed(_) => unreachable!("it has no key"),
        }
    }
}

/// A note, a thread in it, a reply to it, and a reply to that: each is a note, and marked as one.
#[tokio::test]
async fn what_answers_note_is_note() {
    let mut rig = Rig::of_customer().await;
    let first = rig.agent_says(ADA, "!note one\ntwo", None).await;
    assert_eq!(rig.run.matrix.ticks(&first), ["📝"]);
    let threaded = rig
        .run
        .matrix
        .happens_in_thread(ADA, &first, text("in the thread", None));
    rig.settle().await;
    let reply = rig.agent_says(ADA, "a reply", Some(&first)).await;
    let again = rig
        .run
        .matrix
        .happens_in_thread(ADA, &threaded, text("deeper", Some(&reply)));
    rig.settle().await;
    assert_eq!(rig.notes().await, ["one\ntwo", "in the thread", "a reply", "deeper"]);
    for event in [&threaded, &reply, &again] {
        assert_eq!(rig.run.matrix.ticks(event), ["📝"]);
    }
    // A command there is a command.
    rig.run.matrix.happens_in_thread(ADA, &first, text("!close", None));
    rig.settle().await;
    assert_eq!(rig.conversation().await.status.as_str(), "closed");
    assert!(rig.phone().is_empty());
    assert_eq!(rig.messages().await.len(), 1, "the customer's alone");
}

/// The desk has the words that were written first; the room shows others.
#[tokio::test]
async fn edit_of_note_or_plan_is_answered_with_the_remedy() {
    let mut rig = Rig::of_customer().await;
    let note = rig.agent_says(ADA, "!note ten", None).await;
    let plan = rig.agent_says(ADA, "!send-at in 2h ten", None).await;
    let planned = rig.message("ten").await.id;
    for (of, body, remedy) in [
        (&note, "!note eleven", "Remove the note, and write it again".to_owned()),
        (&plan, "!send-at in 2h eleven", format!("!cancel {planned}")),
    ] {
        let edit = RoomEventKind::Edit {
            of: of.clone(),
            body: body.to_owned(),
        };
        rig.run.matrix.happens(ADA, edit, rig.run.clock.now());
        rig.settle().await;
        let told = rig.run.matrix.notices().pop().unwrap();
        assert!(told.contains(&remedy), "{told}");
    }
    assert_eq!(rig.notes().await, ["ten"]);
}

#[tokio::test]
async fn note_written_elsewhere_is_shown_in_room() {
    let mut rig = Rig::of_customer().await;
    let id = rig.note_by_api("pays late").await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.notices(), ["📝 Bob: pays late"]);
    let shown = rig.run.matrix.newest_notice("📝");
    rig.restart().await;
    rig.run
        .matrix
        .happens_in_thread(ADA, &shown, text("not any more", None));
    rig.settle().await;
    assert_eq!(rig.notes().await, ["pays late", "not any more"]);
    rig.program.desk.delete_note(id).await.unwrap();
    rig.settle().await;
    assert!(rig.run.matrix.is_redacted(&shown), "what is deleted is not shown");
    rig.agent_says(ADA, "still inside", Some(&shown)).await;
    assert!(rig.phone().is_empty());
}

/// A note that is deleted before it could be shown is not shown.
#[tokio::test]
async fn note_deleted_before_it_was_shown_is_not() {
    let mut rig = Rig::of_customer().await;
    let id = rig.note_by_api("a slip").await;
    rig.program.desk.delete_note(id).await.unwrap();
    rig.settle().await;
    assert!(rig.run.matrix.notices().is_empty());
    assert_eq!(rig.waiting().await, 0);
}

#[tokio::test]
async fn removed_note_event_deletes_note() {
    let mut rig = Rig::of_customer().await;
    let event = rig.agent_says(ADA, "!note a slip", None).await;
    let kept = rig.agent_says(ADA, "!note a fact", None).await;
    rig.redacts("@mallory:test", &kept).await;
    rig.redacts(ADA, &event).await;
    rig.redacts(ADA, &event).await;
    assert_eq!(rig.notes().await, ["a fact"]);
    assert!(rig.run.matrix.notices().is_empty(), "nothing to say");
    // Removed before its note was written: never written.
    rig.run.matrix.set_up(false);
    let now = rig.run.clock.now();
    let late = rig
        .run
        .matrix
        .happens(ADA, crm::domain::matrix::RoomEventKind::Undecryptable, now);
    rig.run.matrix.set_up(true);
    rig.take_in_rooms().await;
    rig.redacts(ADA, &late).await;
    rig.run.matrix.decrypts(&late, "!note gone");
    rig.patience().await;
    assert_eq!(rig.notes().await, ["a fact"]);
}

#[tokio::test]
async fn only_text_among_notes_is_note() {
    let mut rig = Rig::of_customer().await;
    let note = rig.agent_says(ADA, "!note one", None).await;
    let image = crm::domain::matrix::RoomEventKind::Unsupported("image".to_owned());
    rig.run.matrix.happens_in_thread(ADA, &note, image);
    rig.settle().await;
    let told = rig.run.matrix.notices();
    assert!(
        told.len() == 1 && told[0].starts_with("Not sent: this answers a note"),
        "{told:?}"
    );
    let long = "x".repeat(20_000);
    let told = rig.answer_to(&format!("!note {long}")).await;
    assert!(told.starts_with("Not done: the note has 20000 characters"), "{told}");
    assert_eq!(rig.notes().await, ["one"]);
}

/// The owner may be in the rooms without being an agent: what they write goes to nobody, and neither does an answer.
#[tokio::test]
async fn answer_to_owners_words_stays_inside() {
    let mut rig = Rig::of_customer().await;
    let asked = rig.agent_says("@owner:test", "did we refund him?", None).await;
    assert!(
        rig.answer_in_reply("no, he lies", Some(&asked))
            .await
            .starts_with("Not sent: what this answers")
    );
    rig.run
        .matrix
        .happens_in_thread(ADA, &asked, text("look at the receipt", None));
    rig.settle().await;
    assert_eq!(rig.phone(), Vec::<String>::new());
}
