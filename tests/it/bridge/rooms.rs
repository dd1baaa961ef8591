//! What the rooms show.

use std::time::Duration;

use crm::domain::Clock;
use crm::domain::details::{Ad, Details, Mention};
use crm::domain::matrix::{MAX_ROOM_TEXT, RoomContent, RoomEventKind};
use crm::domain::message::MessageState;
use crm::domain::session::SessionEvent;
use crm::domain::whatsapp::{PageEvent, WaMessage};

use super::Rig;

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

/// rule 14.
#[tokio::test]
async fn message_sent_elsewhere_shows_author() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.send(0, "from the shell").await;
    rig.settle().await;
    rig.run.whatsapp.phone_writes(0, "from the phone");
    rig.settle().await;
    let texts = rig.run.matrix.texts();
    assert!(texts[0].starts_with("Customer 00: in "), "{texts:?}");
    assert_eq!(
        texts[1..],
        ["owner (shell): from the shell", "You (phone): from the phone"]
    );
}

/// What agents wrote during a long outage does not fit one transaction.
#[tokio::test]
async fn many_texts_of_outage_are_taken_in_in_order() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.matrix.set_up(false);
    let texts: Vec<String> = (0..230).map(|number| format!("text {number}")).collect();
    for body in &texts {
        rig.run.matrix.happens("@ada:test", text(body), rig.run.clock.now());
    }
    rig.run.matrix.set_up(true);
    rig.settle().await;
    let mut taken_in = rig.messages().await;
    taken_in.retain(|message| message.content.starts_with("text "));
    taken_in.sort_by_key(|message| message.id);
    assert_eq!(
        taken_in.into_iter().map(|message| message.content).collect::<Vec<_>>(),
        texts
    );
}

/// rule 20.
#[tokio::test]
async fn waiting_message_says_so_and_tick_follows() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let event = rig
        .run
        .matrix
        .happens("@ada:test", text("patience"), rig.run.clock.now());
    rig.work().await;
    assert!(rig.run.matrix.ticks(&event).is_empty(), "nothing to say yet");
    rig.run.clock.advance(Duration::from_secs(31));
    rig.work().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["⏳"]);
    assert!(
        rig.run
            .matrix
            .notices()
            .iter()
            .any(|notice| notice.starts_with("Not sent yet")),
        "and why"
    );
    rig.run.whatsapp.set_online(true);
    for expected in ["✓", "✓✓", "✓✓ read"] {
        rig.work().await;
        rig.run.whatsapp.progress(false);
        rig.work().await;
        assert_eq!(rig.run.matrix.ticks(&event), [expected]);
    }
}

/// rule 21.
#[tokio::test]
async fn trouble_and_its_end_are_reported_once() {
    let mut rig = Rig::new().await;
    rig.run.whatsapp.unlink();
    rig.work().await;
    rig.run.whatsapp.link();
    rig.settle().await;
    rig.run.clock.advance(Duration::from_mins(2));
    rig.settle().await;
    assert!(
        rig.run
            .matrix
            .notices()
            .iter()
            .all(|notice| notice.ends_with("works again.")),
        "over in a moment"
    );

    let before = rig.run.matrix.notices().len();
    rig.run.whatsapp.unlink();
    for _ in 0..3 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_mins(2));
        rig.run.whatsapp.reload();
    }
    rig.work().await;
    let told = rig.run.matrix.notices().split_off(before);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("crm login"), "what to do: {told:?}");
    rig.run.whatsapp.link();
    rig.settle().await;
    rig.run.whatsapp.reload();
    rig.settle().await;
    let told = rig.run.matrix.notices().split_off(before + 1);
    assert_eq!(told.len(), 1, "its end, once: {told:?}");

    // A browser that cannot be started fails with the same words again and again.
    let before = rig.run.matrix.notices().len();
    for _ in 0..3 {
        let failed = SessionEvent::Failed("there is no browser".to_owned());
        for event in [failed, SessionEvent::Starting] {
            rig.run.whatsapp.session_happens(&event);
            rig.work().await;
            rig.run.clock.advance(Duration::from_mins(2));
            rig.work().await;
        }
    }
    let told = rig.run.matrix.notices().split_off(before);
    assert_eq!(told.len(), 1, "{told:?}");
}

/// rule 18: the homeserver has forgotten the transaction id, and the answer was lost.
#[tokio::test]
async fn uncertain_event_is_searched_before_resend() {
    let mut rig = Rig::new().await;
    rig.run.whatsapp.customer_writes(0);
    rig.run.matrix.lose_next_answer_of_a_send();
    rig.work().await;
    assert_eq!(
        rig.run.matrix.texts().len(),
        1,
        "it is in the room, and we do not know it"
    );
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    assert_eq!(rig.run.matrix.texts().len(), 1, "found, not sent again");
}

/// A WhatsApp text may be longer than an event may be.
#[tokio::test]
async fn overlong_text_is_cut_and_says_where_rest_is() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let long = "ü".repeat(MAX_ROOM_TEXT);
    let id = rig.send(0, &long).await.id;
    rig.settle().await;
    let shown = rig.run.matrix.texts().pop().unwrap();
    assert!(shown.starts_with("owner (shell): üüü"));
    assert!(shown.ends_with(&format!(
        "…\n[cut; all {MAX_ROOM_TEXT} characters: crm message view {id}]"
    )));
    assert!(shown.len() <= MAX_ROOM_TEXT + "owner (shell): ".len());
    assert_eq!(rig.message(&long).await.content, long, "the store has all of it");
}

/// rule 17: what a gap has swallowed is told, where it was written.
#[tokio::test]
async fn unfilled_gap_is_reported_in_its_room() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.matrix.rooms.lock().unwrap().read_back = 1;
    for body in ["lost", "read"] {
        rig.run.matrix.happens("@ada:test", text(body), rig.run.clock.now());
    }
    rig.settle().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices.iter().any(|notice| notice.contains("while I was away")),
        "{notices:?}"
    );
    let sent: Vec<_> = rig
        .messages()
        .await
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert!(
        sent.contains(&"read".to_owned()) && !sent.contains(&"lost".to_owned()),
        "{sent:?}"
    );
}

/// rule 5 and 18: what was in the backup and has been done since is found under the old instance's ids, and nothing is
/// said in a room before a person lets the outbox go.
#[tokio::test]
async fn restored_work_is_parked_and_not_repeated() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.customer_writes(0);
    rig.run.matrix.happens("@ada:test", text("!help"), rig.run.clock.now());
    rig.take_in_rooms().await;
    let mut backup = vec![];
    rig.program.store.dump(&mut backup).await.unwrap();
    rig.settle().await;
    let (texts, notices) = (rig.run.matrix.texts(), rig.run.matrix.notices());
    assert_eq!((texts.len(), notices.len()), (2, 1), "{notices:?}");

    rig.restore(&backup).await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.run.matrix.texts(), texts, "parked");
    assert!(rig.waiting().await > 0);
    rig.let_go().await;
    rig.patience().await;
    assert_eq!(rig.waiting().await, 0);
    assert_eq!(
        rig.run.matrix.texts().len(),
        3,
        "only what is new: {:?}",
        rig.run.matrix.texts()
    );
    let told = rig.run.matrix.notices();
    assert_eq!(
        told.iter().filter(|notice| notice.contains("!send")).count(),
        1,
        "{told:?}"
    );
}

/// rule 20: what the room was told after the backup is told again, and the homeserver takes no reaction twice.
#[tokio::test]
async fn tick_goes_on_after_restore() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.run.matrix.happens("@ada:test", text("hello"), rig.run.clock.now());
    rig.work().await;
    rig.run.whatsapp.progress(false);
    rig.work().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["✓"]);
    let mut backup = vec![];
    rig.program.store.dump(&mut backup).await.unwrap();
    rig.run.whatsapp.progress(false);
    rig.work().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["✓✓"]);

    rig.restore(&backup).await;
    rig.work().await;
    rig.let_go().await;
    rig.work().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["✓✓"]);
    rig.run.whatsapp.progress(false);
    rig.patience().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["✓✓ read"]);
    assert_eq!(rig.waiting().await, 0);
}

/// rule 15: a receipt on something that is no message tells that what was shown until there is read, and nothing else.
#[tokio::test]
async fn receipt_on_tick_reads_no_further() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.matrix.happens("@ada:test", text("hello"), rig.run.clock.now());
    rig.settle().await;
    let tick = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Reaction { .. }));
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.unread().await, 1);
    rig.run.matrix.reads("@ada:test", &tick);
    rig.settle().await;
    assert_eq!(rig.unread().await, 1, "what came after the tick is not read");
    rig.run.matrix.happens("@ada:test", text("!help"), rig.run.clock.now());
    rig.settle().await;
    let notice = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Notice { .. }));
    rig.run.matrix.reads("@ada:test", &notice);
    rig.settle().await;
    assert_eq!(rig.unread().await, 0, "what came before the notice is");
}

/// The API has WhatsApp's own text; people read names.
#[tokio::test]
async fn mention_and_ad_are_shown_in_words() {
    let mut rig = Rig::new().await;
    let now = rig.run.clock.now();
    let details = Details {
        mentions: vec![Mention {
            user: "9001".into(),
            name: Some("<b>Bo\u{202e}b</b>".into()),
        }],
        ad: Some(Ad {
            title: Some("Blue lamp".into()),
            url: Some("https://e.org/ad".into()),
            source_id: Some("42".into()),
        }),
        ..Details::default()
    };
    let message = WaMessage {
        details: Some(details),
        ..rig.run.whatsapp.message(0, "A", "@9001 and @90012 want this one", now)
    };
    rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    rig.settle().await;
    let stored = rig.message("@9001 and @90012 want this one").await;
    assert_eq!(stored.details.unwrap().ad.unwrap().source_id.as_deref(), Some("42"));
    assert_eq!(
        rig.run.matrix.texts(),
        ["Customer 00: @Bob and @90012 want this one\n[came by the advertisement: Blue lamp]"]
    );
}

/// Homeservers take U+0000 in texts, and no database of ours does.
#[tokio::test]
async fn event_that_cannot_be_stored_stops_no_room() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    for body in ["before", "!template a\0", "after"] {
        rig.run.matrix.happens("@ada:test", text(body), now);
    }
    rig.settle().await;
    for said in ["before", "after"] {
        assert_eq!(rig.message(said).await.state, MessageState::Read, "{said}");
    }
    // It is not tried for ever.
    rig.run.matrix.happens("@ada:test", text("later"), rig.run.clock.now());
    rig.settle().await;
    assert_eq!(rig.message("later").await.state, MessageState::Read);
}

/// People without a name have their number for one.
#[tokio::test]
async fn hidden_number_is_not_shown_as_speaker() {
    for hides in [false, true] {
        let mut rig = Rig::with(|run| run.policy.hide_numbers = hides).await;
        let now = rig.run.clock.now();
        let mut message = rig.run.whatsapp.message(0, "NAMELESS", "hello", now);
        message.contact.push_name = None;
        message.contact.saved_name = None;
        let number = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.to_string();
        rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
        rig.settle().await;
        let shown = rig.run.matrix.texts();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert_eq!(shown[0].contains(&number), !hides, "{shown:?}");
        assert_eq!(shown[0].starts_with("Customer 1: "), hides, "{shown:?}");
    }
}
