//! Odd events in rooms: each gets a clear answer, or nothing, and the next text goes out.

use crm::domain::matrix::RoomEventKind;

use super::{ADA, text};
use crate::bridge::Rig;

#[tokio::test]
async fn bad_event_is_answered_or_ignored_and_holds_up_nothing() {
    const STRANGER: &str = "@stranger:test";
    let unsupported = |word: &str| RoomEventKind::Unsupported(word.to_owned());
    let mut rig = Rig::new().await;
    rig.met().await;
    for (sender, what, is_answered) in [
        (ADA, text(""), true),
        (ADA, text(" \n\t"), true),
        (ADA, text("\u{0}"), true),
        (ADA, text(&"x".repeat(65_537)), true),
        (ADA, text(&"> ".repeat(40_000)), true),
        (ADA, unsupported("message"), true),
        (ADA, unsupported("call"), true),
        (ADA, RoomEventKind::Notice, false),
        (ADA, RoomEventKind::Other, false),
        (ADA, RoomEventKind::Redaction { of: "$nothing".into() }, false),
        (STRANGER, text("hello"), false),
        (STRANGER, text("!close"), false),
        (STRANGER, unsupported("poll"), false),
        (STRANGER, RoomEventKind::Undecryptable, false),
    ] {
        let before = rig.run.matrix.notices().len();
        let shown = format!("{sender} {what:.60?}");
        rig.in_room(sender, what).await;
        let answers = rig.run.matrix.notices()[before..].to_vec();
        assert_eq!(answers.len(), usize::from(is_answered), "{shown}: {answers:?}");
        assert!(
            answers.iter().all(|answer| answer.starts_with("Not sent: ")),
            "{answers:?}"
        );
    }
    rig.in_room(ADA, text("after all that")).await;
    assert_eq!(sent(&rig), ["after all that"]);
    // The look whether the text is late.
    rig.run.clock.advance(std::time::Duration::from_mins(1));
    rig.settle().await;
    assert_eq!(rig.waiting().await, 0);
}

/// The texts that reached the customer.
fn sent(rig: &Rig) -> Vec<String> {
    let world = rig.run.whatsapp.world.lock().unwrap();
    let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
    ours.map(|told| told.text.clone()).collect()
}
