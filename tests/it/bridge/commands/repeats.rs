//! An event that is handled twice acts once, whatever it says: the mark of the sync may be lost and repeat it.

use crm::bridge::Answered;
use crm::contract::EventType;
use crm::domain::matrix::RoomEventKind;
use crm::domain::template::Draft;
use crm::domain::{Clock as _, Role};

use super::{ADA, text};
use crate::bridge::Rig;

/// Each command once; then the mark is set back to before the first, over a restart.
#[tokio::test]
async fn repeated_events_act_once() {
    let mut rig = Rig::of_customer().await;
    rig.promote(Role::Admin).await;
    let draft = Draft {
        name: "hello".to_owned(),
        body: "Good day".to_owned(),
        ..Draft::default()
    };
    let made = rig.program.desk.create_template(draft, "test".to_owned(), None).await;
    assert!(matches!(made, Ok(Answered::New(_))));
    rig.run.whatsapp.customer_writes(1);
    rig.settle().await;
    let mark = rig.mark().await;
    let now = rig.run.clock.now();
    let note = rig.run.matrix.happens(ADA, text("!note one", None), now);
    rig.run.matrix.happens_in_thread(ADA, &note, text("two", None));
    for body in [
        "!assign",
        "!label +vip",
        "!name Ada",
        "!template hello",
        "!send-at 2h later",
        "!new +447700900002 news",
        "!merge #2",
        "!snooze 3h",
        "!close",
        "!frobnicate",
        "!help",
        "for the customer",
    ] {
        rig.run.matrix.happens(ADA, text(body, None), now);
    }
    rig.run
        .matrix
        .happens(ADA, RoomEventKind::Redaction { of: note.clone() }, now);
    rig.settle().await;
    let seen = async |rig: &Rig| {
        let kinds = [
            EventType::NoteCreated,
            EventType::NoteDeleted,
            EventType::ConversationAssigned,
            EventType::ConversationUpdated,
            EventType::CustomerUpdated,
            EventType::CustomerMerged,
            EventType::MessageQueued,
            EventType::MessageScheduled,
        ];
        let mut counts = vec![];
        for kind in kinds {
            counts.push(rig.events(kind).await.len());
        }
        (counts, rig.notes().await, rig.phone(), rig.run.matrix.notices())
    };
    let before = seen(&rig).await;
    assert_eq!(before.1, ["two"], "the first was removed");
    assert_eq!(before.2, ["Good day", "for the customer"]);
    rig.restart_at(mark).await;
    rig.settle().await;
    assert_eq!(seen(&rig).await, before);
}
