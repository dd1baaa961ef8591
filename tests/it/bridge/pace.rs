//! At a person's pace: first contacts, quiet hours, and those who do not want to be written to.

use std::time::Duration;

use crm::bridge::{Refusal, SendCommand, SendTo};
use crm::contract::{EventType, JournalEvent};
use crm::domain::consent::ConsentWords;
use crm::domain::customer::{Customer, Identity};
use crm::domain::daily::Daily;
use crm::domain::details::Details;
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::{Kind, MessageState};
use crm::domain::pacing::{WaitReason, Waiting};
use crm::domain::whatsapp::PageEvent;
use crm::domain::{Clock, Seq, Timestamp};
use serde_json::Value;

use super::{Rig, owner};

/// The runs begin at 14:13:20 UTC.
fn today(hour: i64) -> Timestamp {
    Timestamp(1_789_948_800_000 + hour * 3_600_000)
}

impl Rig {
    fn now(&self) -> Timestamp {
        self.run.clock.now()
    }

    fn until(&self, at: Timestamp) {
        self.run.clock.advance(at.since(self.now()));
    }

    /// The customer of a chat writes this.
    async fn says(&mut self, chat: usize, text: &str) {
        let id = format!("SAID{}", self.run.clock.now().0);
        let message = self.run.whatsapp.message(chat, &id, text, self.now());
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
        // Times are whole seconds: the next word is a later one.
        self.settle().await;
        self.run.clock.advance(Duration::from_secs(1));
    }

    async fn customer(&self, chat: usize) -> Customer {
        let phone = self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
        let known = self
            .program
            .store
            .customers()
            .by_identity(&Identity::phone(&phone))
            .await
            .unwrap();
        known.expect("a customer who has been met")
    }

    async fn try_send(&self, chat: usize, content: &str) -> Result<(), Refusal> {
        let phone = self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
        let command = SendCommand::of(SendTo::Phone(phone), content, owner());
        self.program.desk.send(command).await.map(|_| ())
    }

    async fn journal(&self, kind: EventType) -> Vec<JournalEvent> {
        let all = self.program.store.journal().after(Seq(0), 1000).await.unwrap();
        all.into_iter().filter(|event| event.kind == kind).collect()
    }

    fn accepted(&self) -> usize {
        self.run.whatsapp.world.lock().unwrap().accepted.len()
    }
}

fn data(event: &JournalEvent) -> Value {
    event.data.parse().unwrap()
}

/// rule 8: queued with a reason and a time, not refused.
#[tokio::test]
async fn first_contacts_over_cap_wait_answers_do_not() {
    let mut rig = Rig::with(|run| run.policy.pace.first_contacts.daily = Some(1)).await;
    rig.met().await;
    rig.send(1, "first contact").await;
    rig.settle().await;
    let made = rig.now();
    rig.run.clock.advance(Duration::from_mins(10));
    rig.send(2, "second contact").await;
    rig.send(0, "an answer").await;
    rig.settle().await;
    assert_eq!(rig.message("first contact").await.state, MessageState::Read);
    assert_eq!(
        rig.message("an answer").await.state,
        MessageState::Read,
        "who wrote to us is no first contact"
    );
    let second = rig.message("second contact").await;
    let until = made.plus(Duration::from_hours(24));
    let waits = Waiting {
        reason: WaitReason::FirstContacts,
        until,
    };
    assert_eq!((second.state, second.waiting), (MessageState::Queued, Some(waits)));
    let told = rig.journal(EventType::MessageState).await;
    let told: Vec<_> = told.iter().filter(|event| data(event)["id"] == second.id.0).collect();
    assert_eq!(told.len(), 1, "told once, however often it is looked at");
    assert_eq!(data(told[0])["waiting"]["reason"], "first_contacts");
    assert_eq!(data(told[0])["waiting"]["until"], until.to_string());

    // Nothing else happens in the meantime; the account's trouble neither hastens nor ends it.
    rig.run.whatsapp.reload();
    rig.until(Timestamp(until.0 - 1));
    rig.settle().await;
    assert_eq!(rig.message("second contact").await.waiting, Some(waits));
    rig.until(until);
    rig.settle().await;
    let sent = rig.message("second contact").await;
    assert_eq!(
        (sent.state, sent.waiting),
        (MessageState::Read, None),
        "to the moment, and not expired over the wait"
    );
}

/// Rule 8. Whoever wrote to us is no first contact.
#[tokio::test]
async fn customer_who_writes_is_answered_at_once() {
    let mut rig = Rig::with(|run| run.policy.pace.first_contacts.hourly = Some(1)).await;
    rig.send(1, "first contact").await;
    rig.send(2, "second contact").await;
    rig.settle().await;
    assert!(rig.message("second contact").await.waiting.is_some());
    rig.run.whatsapp.customer_writes(2);
    rig.settle().await;
    assert_eq!(rig.message("second contact").await.state, MessageState::Read);
}

/// rule 8.
#[tokio::test]
async fn quiet_hours_delay_texts_but_not_answers() {
    let night = Daily::new("22:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
    let mut rig = Rig::with(|run| run.policy.pace.quiet = Some(night)).await;
    rig.met().await;
    rig.run.whatsapp.customer_writes(1);
    rig.settle().await;
    rig.until(today(22));
    let now = rig.now();
    let agent = RoomEventKind::Text {
        body: "good night".to_owned(),
        reply_to: None,
    };
    rig.run.matrix.happens("@ada:test", agent, now);
    rig.settle().await;
    let waits = Waiting {
        reason: WaitReason::QuietHours,
        until: today(31),
    };
    let asleep = rig.message("good night").await;
    assert_eq!((asleep.state, asleep.waiting), (MessageState::Queued, Some(waits)));
    rig.run.clock.advance(Duration::from_mins(1));
    rig.settle().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("quiet hours") && notice.contains(&today(31).to_string())),
        "the room says why and until when: {notices:?}"
    );

    rig.run.whatsapp.customer_writes(1);
    rig.settle().await;
    rig.send(1, "who is awake is answered").await;
    rig.settle().await;
    assert_eq!(rig.message("who is awake is answered").await.state, MessageState::Read);
    assert_eq!(rig.message("good night").await.state, MessageState::Queued);
    rig.until(today(31));
    rig.settle().await;
    assert_eq!(rig.message("good night").await.state, MessageState::Read);
    assert_eq!(rig.accepted(), 2);
}

fn words() -> ConsentWords {
    ConsentWords::new(&["STOP".to_owned()], &["START".to_owned()])
}

/// The customer or a person may revoke the opt-out.
#[tokio::test]
async fn opt_out_blocks_sends_until_revoked() {
    let mut rig = Rig::with(|run| run.policy.pace.consent = words()).await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send(0, "waits for the page").await;
    rig.run.whatsapp.stood_before(0, "STOP", " stop ", rig.now());
    rig.run.clock.advance(Duration::from_secs(1));
    rig.run.whatsapp.set_online(true);
    rig.settle().await;

    let customer = rig.customer(0).await;
    assert_eq!(customer.opted_out_by.as_deref(), Some("stop"));
    let taken_back = rig.message("waits for the page").await;
    assert_eq!(
        (taken_back.state, taken_back.failure.unwrap().code.as_str()),
        (MessageState::Failed, "opted_out")
    );
    let told = rig.journal(EventType::CustomerUpdated).await;
    assert_eq!(
        data(told.last().unwrap())["opted_out_at"],
        customer.opted_out_at.unwrap().to_string()
    );

    let refused = rig.try_send(0, "an offer").await.unwrap_err();
    assert!(matches!(refused, Refusal::OptedOut { customer: id, .. } if id == customer.id));
    assert!(rig.program.desk.retry(taken_back.id).await.is_err(), "nor by a detour");
    let now = rig.now();
    let offer = RoomEventKind::Text {
        body: "an offer from the room".to_owned(),
        reply_to: None,
    };
    rig.run.matrix.happens("@ada:test", offer, now);
    rig.settle().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices.iter().any(|notice| notice.starts_with("Not sent: customer")),
        "{notices:?}"
    );
    assert!(
        notices.iter().any(|notice| notice.contains("crm customer opt-in")),
        "{notices:?}"
    );
    assert_eq!(rig.accepted(), 0);

    // Whoever talks is answered, and is still not written to a day later.
    rig.says(0, "but where is my order?").await;
    rig.try_send(0, "on its way").await.unwrap();
    rig.settle().await;
    assert_eq!(rig.message("on its way").await.state, MessageState::Read);
    rig.run.clock.advance(Duration::from_hours(25));
    rig.try_send(0, "another offer").await.unwrap_err();

    rig.says(0, "Start").await;
    assert_eq!(rig.customer(0).await.opted_out_at, None);
    rig.try_send(0, "welcome back").await.unwrap();
    rig.says(0, "STOP").await;
    rig.program.desk.opt_in(customer.id).await.unwrap();
    rig.try_send(0, "they called and want this").await.unwrap();
    rig.settle().await;
    assert_eq!(rig.message("they called and want this").await.state, MessageState::Read);
}

/// Who has opted out and gets another number, say, has written nothing: that opens no way to them.
#[tokio::test]
async fn notice_after_opt_out_opens_nothing() {
    let mut rig = Rig::with(|run| run.policy.pace.consent = words()).await;
    rig.met().await;
    rig.says(0, "STOP").await;
    let id = rig.customer(0).await.id;
    for notice in ["timer_changed", "call_missed"] {
        let mut told = rig.run.whatsapp.message(0, notice, "[notice]", rig.now());
        told.kind = Kind::System;
        told.details = Some(Details {
            notice: Some(notice.to_owned()),
            ..Details::default()
        });
        rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
        rig.settle().await;
        rig.run.clock.advance(Duration::from_secs(1));
        let refused = rig.try_send(0, "an offer").await.unwrap_err();
        assert!(
            matches!(refused, Refusal::OptedOut { customer, .. } if customer == id),
            "{notice}"
        );
    }
    assert_eq!(rig.accepted(), 0);
}

/// An opt-out that comes late or twice undoes no later word.
#[tokio::test]
async fn late_or_repeated_opt_out_changes_nothing() {
    let mut rig = Rig::with(|run| run.policy.pace.consent = words()).await;
    rig.met().await;
    let before = rig.now();
    rig.run.clock.advance(Duration::from_secs(10));
    let customer = rig.customer(0).await;
    rig.program.desk.opt_out(customer.id, "owner".to_owned()).await.unwrap();
    rig.run.clock.advance(Duration::from_secs(10));
    rig.program.desk.opt_in(customer.id).await.unwrap();
    let late = rig.run.whatsapp.message(0, "LATE", "STOP", before);
    for _ in 0..2 {
        rig.run.whatsapp.event(PageEvent::Message(Box::new(late.clone())));
    }
    rig.settle().await;
    assert_eq!(rig.customer(0).await.opted_out_at, None);
    let told = rig.journal(EventType::CustomerUpdated).await;
    assert_eq!(told.len(), 2, "out and in again: {told:?}");
}
