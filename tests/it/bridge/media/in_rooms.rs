//! Files in rooms, both ways.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crm::domain::matrix::{RoomEventKind, SentFile};
use crm::domain::media::{FileKind, SizeLimits};
use crm::domain::message::{Direction, Kind, Message};
use crm::domain::{Clock as _, MatrixEventId};

use crate::bridge::Rig;
use crate::simulation::homeserver::{Refuses, What};

const PHOTO: &str = "IN9000";
const SECOND: &str = "IN9003";

fn file(caption: Option<&str>, bytes: &str) -> RoomEventKind {
    RoomEventKind::File {
        file: Box::new(SentFile {
            source: bytes.to_owned(),
            name: Some("price list.txt".to_owned()),
            mimetype: Some("text/plain".to_owned()),
            caption: caption.map(str::to_owned),
            kind: FileKind::Document,
        }),
        reply_to: None,
    }
}

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

impl Rig {
    async fn with_files() -> Self {
        let mut rig = Box::pin(Self::with(|run| {
            run.policy.media.free_space_floor = 1;
            run.whatsapp.world.lock().unwrap().with_media = true;
        }))
        .await;
        rig.met().await;
        rig
    }

    /// Files of customers can be fetched, or have to wait.
    fn set_fetching(&self, fetches: bool) {
        self.run
            .free
            .store(if fetches { u64::MAX } else { 0 }, Ordering::SeqCst);
    }

    fn agent_does(&self, what: RoomEventKind) -> MatrixEventId {
        self.run.matrix.happens("@ada:test", what, self.run.clock.now())
    }

    /// What went to the customer, in order: kind and content.
    async fn sent_to_customer(&self) -> Vec<(Kind, String)> {
        let messages: Vec<Message> = self.messages().await;
        let sent = messages.into_iter().filter(|one| one.direction == Direction::Outbound);
        sent.filter(|one| one.ack.is_some())
            .map(|one| (one.kind, one.content))
            .collect()
    }

    fn answers(&self) -> Vec<String> {
        let notices = self.run.matrix.notices();
        notices
            .into_iter()
            .filter(|notice| notice.starts_with("Not sent"))
            .collect()
    }
}

#[tokio::test]
async fn quick_file_is_shown_as_message() {
    let mut rig = Rig::with_files().await;
    rig.sends_file(PHOTO, None);
    rig.settle().await;
    let shown = rig.run.matrix.files();
    assert_eq!(shown.len(), 1, "{shown:?}");
    let (file, reply_to) = &shown[0];
    assert_eq!(
        (file.name.as_str(), file.caption.as_deref()),
        ("note.txt", Some("file"))
    );
    assert_eq!((file.kind, reply_to), (FileKind::Document, &None));
    assert_eq!(
        std::fs::read_to_string(&file.path).unwrap(),
        format!("the medium of {PHOTO}")
    );
    assert!(
        !rig.run.matrix.texts().iter().any(|text| text.contains("file")),
        "and no line beside it"
    );
}

/// A room does not wait for ever for a file, and what comes after it keeps its order.
#[tokio::test]
async fn slow_file_follows_its_line_once() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    rig.sends_file(PHOTO, None);
    rig.run.whatsapp.customer_writes(0);
    rig.work().await;
    assert_eq!(rig.run.matrix.texts().len(), 1, "both wait for the file");
    rig.run.clock.advance(Duration::from_secs(11));
    rig.work().await;
    let texts = rig.run.matrix.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert_eq!(texts[1], "Customer 00: [document: note.txt] file");
    assert!(texts[2].starts_with("Customer 00: in "), "{texts:?}");
    rig.set_fetching(true);
    for _ in 0..3 {
        rig.settle().await;
        rig.restart().await;
    }
    let shown = rig.run.matrix.files();
    assert_eq!(shown.len(), 1, "{shown:?}");
    let line = rig.run.matrix.event_of_text("[document: note.txt] file");
    assert_eq!(shown[0].1, Some(line), "it answers its line");
    rig.let_cards_change().await;
    assert_eq!(rig.waiting().await, 0);
}

/// The line was sent, and the program killed before that was stored; meanwhile the file has come.
#[tokio::test]
async fn file_after_crash_is_not_taken_for_its_line() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    rig.sends_file(PHOTO, None);
    rig.work().await;
    rig.run.clock.advance(Duration::from_secs(11));
    rig.run.matrix.lose_next_answer_of_a_send();
    rig.work().await;
    assert_eq!(rig.run.matrix.texts().len(), 2, "the line was sent");
    rig.set_fetching(true);
    rig.restart().await;
    rig.patience().await;
    assert_eq!(rig.run.matrix.texts().len(), 2, "and no second time");
    let shown = rig.run.matrix.files();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].1.is_some(), "it answers its line");
}

#[tokio::test]
async fn file_that_homeserver_refuses_is_told() {
    let mut rig = Rig::with_files().await;
    rig.run.matrix.rooms.lock().unwrap().refuses = Refuses::Files;
    rig.sends_file(PHOTO, None);
    rig.settle().await;
    let texts = rig.run.matrix.texts();
    let line = texts.last().unwrap();
    assert!(
        line.starts_with("Customer 00: [document: note.txt] file\n[not shown here: "),
        "{line}"
    );
    assert!(line.ends_with("Get it with `crm media get 1`]"), "{line}");
    rig.patience().await;
    assert_eq!(rig.run.matrix.texts(), texts, "once");
    assert_eq!(rig.waiting().await, 0);
}

#[tokio::test]
async fn agents_file_goes_out_once_and_in_order() {
    let mut rig = Rig::with_files().await;
    rig.agent_does(text("here it is"));
    let event = rig.agent_does(file(Some("our *prices*"), "cakes 3, bread 2"));
    rig.agent_does(text("do you like them?"));
    rig.agent_does(file(None, "a second one"));
    for _ in 0..3 {
        rig.settle().await;
        rig.restart().await;
    }
    let said = |kind, content: &str| (kind, content.to_owned());
    assert_eq!(
        rig.sent_to_customer().await,
        [
            said(Kind::Text, "here it is"),
            said(Kind::Document, "our *prices*"),
            said(Kind::Text, "do you like them?"),
            said(Kind::Document, "[document: price list.txt]"),
        ]
    );
    let shown = rig.program.store.rooms().message_of_event(&event).await.unwrap();
    let message = shown.expect("the event shows the message").message;
    let message = rig.program.store.messages().get(message).await.unwrap().unwrap();
    let media = message.media.unwrap();
    let kept = rig.run.vault().file(&media.sha256.unwrap()).await.unwrap();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "cakes 3, bread 2");
    assert!(
        rig.run.matrix.files().is_empty(),
        "what is in the room is not shown again"
    );
    assert!(rig.answers().is_empty(), "{:?}", rig.answers());
}

#[tokio::test]
async fn agents_file_that_cannot_go_out_is_answered() {
    let mut rig = Rig::with(|run| run.policy.media.max = SizeLimits::of_all(20)).await;
    rig.met().await;
    rig.agent_does(file(None, "more than twenty bytes of it"));
    rig.agent_does(file(None, ""));
    rig.agent_does(file(Some("!note for us"), "short"));
    rig.agent_does(file(None, "gone"));
    rig.agent_does(text("still here"));
    rig.patience().await;
    rig.settle().await;
    let answers = rig.answers();
    let begins = [
        "Not sent: the file is larger than",
        "Not sent: the file is empty",
        "Not sent: a file carries no command",
        "Not sent: the file could not be fetched from the homeserver",
    ];
    assert_eq!(answers.len(), begins.len(), "{answers:?}");
    for (answer, begin) in answers.iter().zip(begins) {
        assert!(answer.starts_with(begin), "{answer}");
    }
    assert_eq!(rig.sent_to_customer().await, [(Kind::Text, "still here".to_owned())]);
}

#[tokio::test]
async fn redacted_file_never_goes_out() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    let event = rig.agent_does(file(None, "wrong one"));
    rig.agent_does(text("the next"));
    rig.work().await;
    rig.agent_does(RoomEventKind::Redaction { of: event });
    rig.work().await;
    rig.set_fetching(true);
    rig.settle().await;
    assert_eq!(rig.sent_to_customer().await, [(Kind::Text, "the next".to_owned())]);
}

/// A photo of a message that the room shows without it is there once, also where two photos came.
#[tokio::test]
async fn two_slow_files_each_follow_their_line() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    rig.sends_file(PHOTO, None);
    rig.sends_file(SECOND, None);
    for _ in 0..3 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_secs(11));
    }
    rig.set_fetching(true);
    rig.settle().await;
    let shown: Vec<_> = rig.run.matrix.files().into_iter().map(|(file, _)| file.path).collect();
    let mut bytes: Vec<_> = shown
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    // The one that is fetched first comes first.
    bytes.sort();
    assert_eq!(bytes, [PHOTO, SECOND].map(|id| format!("the medium of {id}")));
}

/// Its homeserver may be gone for good; what is written after it goes out while it still holds.
#[tokio::test]
async fn file_that_no_homeserver_gives_is_given_up() {
    let mut rig = Rig::with_files().await;
    rig.agent_does(file(None, "elsewhere"));
    rig.agent_does(text("did you get it?"));
    rig.run.clock.advance(Duration::from_mins(10));
    rig.settle().await;
    assert!(rig.answers().is_empty(), "it may come back");
    for _ in 0..150 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_secs(15));
    }
    rig.settle().await;
    let answers = rig.answers();
    assert!(
        answers.len() == 1 && answers[0].contains("could not be fetched from the homeserver"),
        "{answers:?}"
    );
    assert_eq!(
        rig.sent_to_customer().await,
        [(Kind::Text, "did you get it?".to_owned())]
    );
}

/// What waits behind it goes out while it still holds.
#[tokio::test]
async fn agents_file_without_space_is_answered_and_frees_room() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    rig.agent_does(file(None, "a picture"));
    rig.agent_does(text("did you get it?"));
    rig.settle().await;
    rig.run.clock.advance(Duration::from_mins(29));
    rig.settle().await;
    assert!(rig.answers().is_empty(), "there may be space again");
    rig.run.clock.advance(Duration::from_mins(2));
    rig.settle().await;
    let answers = rig.answers();
    assert!(
        answers.len() == 1 && answers[0].contains("CRM_MEDIA_FREE_SPACE_FLOOR"),
        "{answers:?}"
    );
    let said = [(Kind::Text, "did you get it?".to_owned())];
    assert_eq!(rig.sent_to_customer().await, said);
    rig.set_fetching(true);
    rig.settle().await;
    assert_eq!(rig.sent_to_customer().await, said, "it was given up");
}

/// As after `crm matrix reset`: the key is nowhere.
#[tokio::test]
async fn file_that_became_unreadable_is_answered() {
    let mut rig = Rig::with_files().await;
    rig.set_fetching(false);
    let event = rig.agent_does(file(None, "the receipt"));
    rig.work().await;
    let what = What::Person {
        sender: "@ada:test".into(),
        what: RoomEventKind::Undecryptable,
    };
    {
        let mut rooms = rig.run.matrix.rooms.lock().unwrap();
        let shown = rooms.log.iter_mut().find(|shown| shown.id == event);
        shown.expect("the event").what = what;
    }
    rig.set_fetching(true);
    rig.settle().await;
    let answers = rig.answers();
    assert!(
        answers.len() == 1 && answers[0].contains("send the file again"),
        "{answers:?}"
    );
}
