//! Redactions of agents in rooms.

use std::time::Duration;

use crm::domain::matrix::RoomEventKind;
use crm::domain::message::MessageState;
use crm::domain::{Clock, MatrixEventId, Role};

use super::Rig;

impl Rig {
    /// An agent writes a text, and the bridge stores it.
    async fn agent_writes(&mut self, body: &str) -> MatrixEventId {
        let text = RoomEventKind::Text {
            body: body.to_owned(),
            reply_to: None,
        };
        let event = self.run.matrix.happens("@ada:test", text, self.run.clock.now());
        self.take_in_rooms().await;
        event
    }

    /// Somebody redacts an event, and everything that follows is done.
    pub(super) async fn redacts(&mut self, sender: &str, of: &MatrixEventId) {
        let redaction = RoomEventKind::Redaction { of: of.clone() };
        self.run.matrix.happens(sender, redaction, self.run.clock.now());
        self.settle().await;
    }

    /// Texts that WhatsApp has from us.
    fn handed_over(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }
}

#[tokio::test]
async fn redacted_text_is_cancelled_while_it_waits() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_writes("wrong room, sorry").await;
    rig.redacts("@ada:test", &event).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let message = rig.message("wrong room, sorry").await;
    assert_eq!(message.state, MessageState::Failed);
    assert_eq!(message.failure.unwrap().code, "cancelled");
    assert_eq!(rig.handed_over(), Vec::<String>::new());
}

/// Its author knows, and nobody sees any more what a tap would send.
#[tokio::test]
async fn redacted_text_cannot_be_retried() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.agent("Bea", Role::Manager).await;
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_writes("wrong room, sorry").await;
    let told = rig.run.matrix.notices();
    rig.redacts("@ada:test", &event).await;
    assert_eq!(rig.run.matrix.notices(), told, "no failure");
    assert!(rig.message("wrong room, sorry").await.deleted_at.is_some());
    rig.run.whatsapp.set_online(true);
    rig.taps("@bea:test", &event, "🔁").await;
    let id = rig.message("wrong room, sorry").await.id;
    let refused = rig.program.desk.retry(id).await.unwrap_err().to_string();
    assert!(refused.contains("deleted before it was sent"), "{refused}");
    rig.settle().await;
    assert_eq!(rig.handed_over(), Vec::<String>::new());
}

/// An answer to it is meant for colleagues: the customer never had it.
#[tokio::test]
async fn answer_to_what_was_never_sent_stays_inside() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let redacted = rig.agent_writes("wrong room, sorry").await;
    rig.redacts("@ada:test", &redacted).await;
    let failed = rig.agent_writes("to nobody").await;
    let id = rig.message("to nobody").await.id;
    rig.program.desk.cancel(id).await.unwrap();
    rig.settle().await;
    rig.run.whatsapp.set_online(true);
    for of in [&redacted, &failed] {
        let reply = RoomEventKind::Text {
            body: "why did you write that?".to_owned(),
            reply_to: Some(of.clone()),
        };
        let now = rig.run.clock.now();
        rig.run.matrix.happens("@ada:test", reply, now);
        let threaded = RoomEventKind::Text {
            body: "it was wrong".to_owned(),
            reply_to: None,
        };
        rig.run.matrix.happens_in_thread("@ada:test", of, threaded);
        rig.settle().await;
    }
    assert_eq!(rig.handed_over(), Vec::<String>::new());
    let refused = rig.run.matrix.notices();
    let refused = refused
        .iter()
        .filter(|told| told.starts_with("Not sent: what this answers"));
    assert_eq!(refused.count(), 4);
}

#[tokio::test]
async fn redacted_sent_text_is_deleted_for_everyone() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.agent_writes("the price is 10").await;
    rig.settle().await;
    rig.redacts("@ada:test", &event).await;
    assert!(rig.message("the price is 10").await.deleted_at.is_some());
    // Once more changes nothing, and nobody is answered.
    let notices = rig.run.matrix.notices();
    rig.redacts("@ada:test", &event).await;
    assert_eq!(rig.run.matrix.notices(), notices);
}

#[tokio::test]
async fn redaction_past_deletion_time_is_answered() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.agent_writes("long ago").await;
    rig.settle().await;
    rig.run.clock.advance(Duration::from_hours(61));
    rig.redacts("@ada:test", &event).await;
    assert_eq!(rig.message("long ago").await.deleted_at, None);
    let notice = rig.run.matrix.notices().pop().unwrap();
    assert!(notice.contains("the customer still has this message"), "{notice}");
}

/// Only an agent who may answer takes anything back.
#[tokio::test]
async fn redaction_by_stranger_cancels_nothing() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_writes("as agreed").await;
    rig.redacts("@mallory:test", &event).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.handed_over(), ["as agreed"]);
}

/// A slip in a command is taken back as one in a text is.
#[tokio::test]
async fn redacted_command_cancels_what_it_wrote() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.agent_writes("!send-at in 2h the wrong price").await;
    rig.settle().await;
    rig.redacts("@ada:test", &planned).await;
    let message = rig.message("the wrong price").await;
    assert_eq!(
        message.failure.map(|failure| failure.code).as_deref(),
        Some("cancelled")
    );
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    assert_eq!(rig.handed_over(), Vec::<String>::new());

    rig.run.whatsapp.set_online(false);
    let number = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.clone();
    let written = rig
        .agent_writes(&format!("!new {} to the wrong person", number.as_str()))
        .await;
    rig.redacts("@ada:test", &written).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.message("to the wrong person").await.state, MessageState::Failed);
    assert_eq!(rig.handed_over(), Vec::<String>::new());
}

/// The room shows the old text again, and the customer does not.
#[tokio::test]
async fn redacted_change_is_told_to_stand() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.agent_writes("ten").await;
    rig.settle().await;
    let edit = RoomEventKind::Edit {
        of: event.clone(),
        body: "eleven".to_owned(),
    };
    let edit = rig.run.matrix.happens("@ada:test", edit, rig.run.clock.now());
    rig.settle().await;
    let told = rig.run.matrix.notices().len();
    rig.redacts("@ada:test", &edit).await;
    let notices = rig.run.matrix.notices();
    assert_eq!(notices.len(), told + 1);
    assert!(
        notices[told].contains("the customer has the text as it was changed"),
        "{notices:?}"
    );
    assert_eq!(rig.message("eleven").await.deleted_at, None);
    // With the message itself everything goes.
    rig.redacts("@ada:test", &event).await;
    assert!(rig.message("eleven").await.deleted_at.is_some());
    let told = rig.run.matrix.notices();
    rig.redacts("@ada:test", &edit).await;
    assert_eq!(rig.run.matrix.notices(), told);
}

/// Who works for other accounts alone may be in the room, and may even moderate it.
#[tokio::test]
async fn agent_of_other_accounts_takes_nothing_back() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let ben = rig.agent("ben", crm::domain::Role::Agent).await;
    let change = crm::store::AgentChange {
        accounts: Some(Some(vec![crm::domain::AccountId(99)])),
        ..crm::store::AgentChange::default()
    };
    let written = rig
        .program
        .store
        .write::<_, _, crm::store::StoreError, _>((ben, change), |tx, (ben, change)| {
            Box::pin(async move { tx.agents().update(*ben, change).await.map(|_| ()) })
        });
    written.await.unwrap();
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_writes("as agreed").await;
    rig.redacts("@ben:test", &event).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.handed_over(), ["as agreed"]);
}

/// A room's line about a customer's message may be removed; WhatsApp keeps the message.
#[tokio::test]
async fn redaction_of_shown_message_changes_nothing() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let sent = rig.send(0, "from the shell").await.id;
    rig.settle().await;
    let shown = rig
        .run
        .matrix
        .newest(|content| matches!(content, crm::domain::matrix::RoomContent::Text { .. }));
    rig.redacts("@ada:test", &shown).await;
    let message = rig.message("from the shell").await;
    assert_eq!((message.id, message.deleted_at), (sent, None));
}

/// Told at once, and told again when it is given up; a key that comes after that changes nothing.
#[tokio::test]
async fn event_without_key_is_given_up_after_day() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    let event = rig.run.matrix.happens("@ada:test", RoomEventKind::Undecryptable, now);
    rig.settle().await;
    rig.run.clock.advance(Duration::from_hours(25));
    rig.run.matrix.set_up(false);
    rig.settle().await;
    rig.run.matrix.set_up(true);
    rig.settle().await;
    let told = rig.run.matrix.notices();
    let of_keys: Vec<_> = told.iter().filter(|told| told.contains("decrypt")).collect();
    assert_eq!(of_keys.len(), 2, "{told:?}");
    assert!(of_keys[1].contains("do not try any more"), "{told:?}");
    rig.run.matrix.decrypts(&event, "too late");
    rig.run.clock.advance(Duration::from_mins(1));
    rig.settle().await;
    assert_eq!(rig.handed_over(), Vec::<String>::new());
    assert_eq!(rig.run.matrix.notices().len(), told.len());
}

#[tokio::test]
async fn redacted_text_without_key_is_never_sent() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    let event = rig.run.matrix.happens("@ada:test", RoomEventKind::Undecryptable, now);
    rig.settle().await;
    rig.redacts("@ada:test", &event).await;
    rig.run.matrix.decrypts(&event, "too late");
    rig.patience().await;
    assert_eq!(rig.handed_over(), Vec::<String>::new());
}

/// Fifty are tried again at a time, and those whose keys never come must not take all of these tries.
#[tokio::test]
async fn late_key_is_taken_behind_many_dead_events() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    let events: Vec<_> = (0..120)
        .map(|_| rig.run.matrix.happens("@ada:test", RoomEventKind::Undecryptable, now))
        .collect();
    rig.settle().await;
    let told = rig.program.store.pending_events().list(true, 0, 200).await.unwrap();
    assert_eq!(told.len(), events.len(), "all wait, and their sender knows");
    let (last, first) = ("behind all", "before all");
    for (event, body) in [(events.last(), last), (events.first(), first)] {
        rig.run.matrix.decrypts(event.unwrap(), body);
        for _ in 0..3 {
            rig.run.clock.advance(Duration::from_secs(15));
            rig.settle().await;
        }
        let sent = rig.handed_over();
        assert_eq!(sent.last().map(String::as_str), Some(body), "{sent:?}");
    }
    assert_eq!(rig.handed_over(), [last, first]);
}

/// The customer never had it, and nobody sees any more what a tap would send.
#[tokio::test]
async fn removed_failed_text_cannot_be_retried() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.agent("Bea", Role::Manager).await;
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_writes("wrong room, sorry").await;
    let id = rig.message("wrong room, sorry").await.id;
    rig.program.desk.cancel(id).await.unwrap();
    rig.settle().await;
    rig.redacts("@ada:test", &event).await;
    assert!(rig.message("wrong room, sorry").await.deleted_at.is_some());
    rig.run.whatsapp.set_online(true);
    let refused = rig.program.desk.retry(id).await.unwrap_err().to_string();
    assert!(refused.contains("deleted before it was sent"), "{refused}");
    rig.settle().await;
    assert_eq!(rig.handed_over(), Vec::<String>::new());
}
