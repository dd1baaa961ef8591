//! Numbers that a person corrects, that are named in a send, or that pass to somebody else: a message goes to the number that
//! is meant, and to no other. And opt-outs that a merge or a look-up brings to light.

use crm::bridge::{CustomerEdit, Refusal, Revision, SendTo};
use crm::domain::consent::ConsentWords;
use crm::domain::customer::{Identity, PhoneNumber};
use crm::domain::daily::Daily;
use crm::domain::message::{Author, Message, MessageState, Origin};
use crm::domain::whatsapp::PageEvent;
use crm::domain::{ChatId, Clock, ConversationId, CustomerId};
use crm::store::{ConversationFilter, CustomerChange, CustomerFilter, PageRequest};
use std::time::Duration;
use tokio::sync::oneshot;

use super::Rig;

impl Rig {
    fn phone_of(&self, chat: usize) -> PhoneNumber {
        self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone()
    }

    /// WhatsApp tells this LID with the number of a chat.
    fn has_lid(&self, chat: usize, digits: &str) {
        self.run.whatsapp.world.lock().unwrap().chats[chat].also = vec![Identity::lid(digits)];
    }

    /// Our texts in a chat.
    fn ours(&self, chat: usize) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[chat].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }

    async fn correct(&self, customer: i64, phone: Option<PhoneNumber>) {
        let change = CustomerChange {
            phone: Some(phone),
            ..CustomerChange::default()
        };
        let edit = CustomerEdit {
            change,
            ..CustomerEdit::default()
        };
        self.program
            .desk
            .edit_customer(CustomerId(customer), edit)
            .await
            .unwrap();
    }

    async fn counts(&self) -> (usize, usize) {
        let page = PageRequest::first(10);
        let store = &self.program.store;
        let customers = store.customers().page(page, &CustomerFilter::default()).await;
        let conversations = store.conversations().page(page, ConversationFilter::default()).await;
        (customers.unwrap().data.len(), conversations.unwrap().data.len())
    }

    async fn as_stored(&self, message: &Message) -> Message {
        self.program.store.messages().get(message.id).await.unwrap().unwrap()
    }

    async fn failed_as(&self, message: &Message) -> (MessageState, Option<String>) {
        let stored = self.as_stored(message).await;
        (stored.state, stored.failure.map(|failure| failure.code))
    }

    /// The customer of a chat writes, as the page tells of it.
    async fn utters(&mut self, chat: usize, text: &str) {
        let now = self.run.clock.now();
        let id = format!("UTTERED{}", now.0);
        let message = self.run.whatsapp.message(chat, &id, text, now);
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
        self.settle().await;
        self.run.clock.advance(Duration::from_secs(1));
    }
}

fn owner() -> Author {
    Author {
        origin: Some(Origin::Shell),
        name: "owner".into(),
    }
}

fn opted_out() -> (MessageState, Option<String>) {
    (MessageState::Failed, Some("opted_out".to_owned()))
}

const FIRST: SendTo = SendTo::Conversation(ConversationId(1));

/// The same conversation, whichever way it is addressed, and what comes from the new number is in it.
#[tokio::test]
async fn corrected_number_gets_next_message() {
    for with_lids in [false, true] {
        let mut rig = Rig::new().await;
        if with_lids {
            rig.has_lid(0, "880001");
            rig.has_lid(1, "990001");
        }
        rig.met().await;
        let new = rig.phone_of(1);
        rig.correct(1, Some(new.clone())).await;
        rig.send_to(SendTo::Phone(new), "by number").await;
        rig.settle().await;
        rig.send_to(FIRST, "by conversation").await;
        rig.settle().await;
        rig.send_to(SendTo::Customer(CustomerId(1)), "by customer").await;
        rig.settle().await;
        assert_eq!(rig.ours(1), ["by number", "by conversation", "by customer"]);
        assert_eq!(rig.ours(0), [""; 0]);
        rig.utters(1, "got it").await;
        assert_eq!(rig.message("got it").await.conversation_id, ConversationId(1));
        assert_eq!(rig.counts().await, (1, 1));
    }
}

/// What the new number writes first is the same customer's as well, and what is told again does not bring the old one back.
#[tokio::test]
async fn corrected_number_writes_into_same_conversation() {
    let mut rig = Rig::new().await;
    rig.has_lid(0, "880001");
    rig.has_lid(1, "990001");
    let now = rig.run.clock.now();
    let old = rig.run.whatsapp.message(0, "OLD", "from the old number", now);
    rig.run.whatsapp.event(PageEvent::Message(Box::new(old.clone())));
    rig.settle().await;
    rig.correct(1, Some(rig.phone_of(1))).await;
    rig.run.whatsapp.event(PageEvent::Message(Box::new(old)));
    rig.settle().await;
    rig.send_to(FIRST, "to the new number").await;
    rig.settle().await;
    assert_eq!((rig.ours(0).len(), rig.ours(1).len()), (0, 1));

    let mut rig = Rig::new().await;
    rig.has_lid(0, "880001");
    rig.has_lid(1, "990001");
    rig.met().await;
    rig.correct(1, Some(rig.phone_of(1))).await;
    rig.utters(1, "here I am").await;
    assert_eq!(rig.message("here I am").await.customer_id, Some(CustomerId(1)));
    assert_eq!(rig.counts().await, (1, 1));
}

/// Also where the correction comes while the chat of the old number is looked up.
#[tokio::test]
async fn queued_message_follows_corrected_number() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send_to(FIRST, "to the customer").await;
    rig.send(0, "to the old number").await;
    rig.correct(1, Some(rig.phone_of(1))).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.ours(1), ["to the customer", "to the old number"]);
    assert_eq!(rig.ours(0), [""; 0]);

    let (here, reached) = oneshot::channel();
    let (go_on, told) = oneshot::channel();
    rig.run.whatsapp.world.lock().unwrap().choosing = Some((here, told));
    rig.send_to(FIRST, "on its way").await;
    let desk = rig.program.desk.clone();
    let change = CustomerChange {
        phone: Some(Some(rig.phone_of(2))),
        ..CustomerChange::default()
    };
    let correct = async {
        reached.await.unwrap();
        let edit = CustomerEdit {
            change,
            ..CustomerEdit::default()
        };
        desk.edit_customer(CustomerId(1), edit).await.unwrap();
        go_on.send(()).unwrap();
    };
    tokio::join!(rig.settle(), correct);
    assert_eq!(rig.ours(2), ["on its way"]);
    assert_eq!(rig.ours(1).len(), 2);
}

/// A number that was set and is removed is not written to any more.
#[tokio::test]
async fn removed_number_gets_nothing_more() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.correct(1, Some(rig.phone_of(1))).await;
    rig.send_to(FIRST, "new").await;
    rig.settle().await;
    rig.correct(1, None).await;
    rig.send_to(FIRST, "old").await;
    rig.settle().await;
    assert_eq!(
        (rig.ours(1), rig.ours(0)),
        (vec!["new".to_owned()], vec!["old".to_owned()])
    );
}

/// A customer with two numbers is written to at the one that is named, and answered where they wrote last.
#[tokio::test]
async fn named_number_of_merged_customer_gets_message() {
    let mut rig = Rig::new().await;
    rig.utters(0, "first phone").await;
    rig.utters(1, "second phone").await;
    let merge = rig.program.desk.merge_customers(CustomerId(1), CustomerId(2), "grace");
    merge.await.unwrap();
    rig.settle().await;
    rig.send(0, "to the first").await;
    rig.settle().await;
    rig.send_to(FIRST, "an answer").await;
    rig.settle().await;
    rig.send(1, "to the second").await;
    rig.settle().await;
    assert_eq!(rig.ours(0), ["to the first"]);
    assert_eq!(rig.ours(1), ["an answer", "to the second"]);
    assert_eq!(rig.counts().await, (1, 1));
}

/// The number has passed to somebody else, which WhatsApp tells when it is looked up.
#[tokio::test]
async fn reassigned_number_reaches_new_owner() {
    let mut rig = Rig::new().await;
    rig.has_lid(0, "880001");
    rig.met().await;
    let number = rig.phone_of(0);
    {
        let mut world = rig.run.whatsapp.world.lock().unwrap();
        world.chats[0].phone = "+447700900077".parse().unwrap();
        world.chats[1].phone = number.clone();
        world.chats[1].also = vec![Identity::lid("990001")];
    }
    let sent = rig.send_to(SendTo::Phone(number), "to the number").await;
    rig.settle().await;
    assert_eq!((rig.ours(0).len(), rig.ours(1)), (0, vec!["to the number".to_owned()]));
    let stored = rig.as_stored(&sent).await;
    assert_eq!(
        (stored.state, stored.customer_id),
        (MessageState::Read, Some(CustomerId(2)))
    );
    assert_ne!(stored.conversation_id, sent.conversation_id);
    rig.send_to(FIRST, "to the person").await;
    rig.settle().await;
    assert_eq!(rig.ours(0), ["to the person"]);
}

fn words() -> ConsentWords {
    ConsentWords::new(&["STOP".to_owned()], &["START".to_owned()])
}

/// Whom we know by LID has opted out; the look-up of a number tells that it is theirs.
#[tokio::test]
async fn look_up_that_meets_opt_out_sends_nothing() {
    let mut rig = Rig::with(|run| run.policy.pace.consent = words()).await;
    let now = rig.run.clock.now();
    let mut stop = rig.run.whatsapp.message(0, "STOPS", "STOP", now);
    stop.chat = ChatId::from("9001@lid");
    stop.contact.identities = vec![Identity::lid("9001")];
    rig.run.whatsapp.event(PageEvent::Message(Box::new(stop)));
    rig.settle().await;
    rig.has_lid(0, "9001");
    let offer = rig.send(0, "offer").await;
    rig.settle().await;
    assert_eq!(rig.failed_as(&offer).await, opted_out());
    assert_eq!((rig.ours(0).len(), rig.counts().await), (0, (1, 1)));
}

/// Whichever of the two stays, and whoever says that they are one.
#[tokio::test]
async fn merge_with_opted_out_takes_back_waiting() {
    for (kept, gone, by_whatsapp) in [(1, 2, false), (2, 1, false), (1, 2, true)] {
        let night = Daily::new("13:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
        let mut rig = Rig::with(|run| {
            run.policy.pace.consent = words();
            run.policy.pace.quiet = Some(night);
        })
        .await;
        rig.utters(0, "STOP").await;
        let offer = rig.send(1, "in the morning").await;
        rig.settle().await;
        assert!(rig.as_stored(&offer).await.waiting.is_some());
        if by_whatsapp {
            let now = rig.run.clock.now();
            let mut both = rig.run.whatsapp.message(0, "BOTH", "hm", now);
            both.contact.identities.push(Identity::phone(&rig.phone_of(1)));
            rig.run.whatsapp.event(PageEvent::Message(Box::new(both)));
        } else {
            let merge = rig
                .program
                .desk
                .merge_customers(CustomerId(kept), CustomerId(gone), "grace");
            merge.await.unwrap();
        }
        rig.settle().await;
        assert_eq!(rig.failed_as(&offer).await, opted_out(), "{kept} {gone} {by_whatsapp}");
        rig.run.clock.advance(Duration::from_hours(20));
        rig.settle().await;
        assert_eq!((rig.ours(0).len(), rig.ours(1).len()), (0, 0));
    }
}

/// A text that got its id, but was not handed over when the page went away, is not handed over after an opt-out.
#[tokio::test]
async fn absent_message_is_not_resent_after_opt_out() {
    let mut rig = Rig::with(|run| run.policy.pace.consent = words()).await;
    rig.met().await;
    let (here, reached) = oneshot::channel();
    let (go_on, told) = oneshot::channel();
    rig.run.whatsapp.world.lock().unwrap().choosing = Some((here, told));
    let offer = rig.send(0, "offer").await;
    let whatsapp = rig.run.whatsapp.clone();
    let leave = async {
        reached.await.unwrap();
        whatsapp.set_online(false);
        go_on.send(()).unwrap();
    };
    tokio::join!(rig.work(), leave);
    assert_eq!(rig.as_stored(&offer).await.state, MessageState::Sending);
    rig.program
        .desk
        .opt_out(CustomerId(1), "owner".to_owned())
        .await
        .unwrap();
    rig.run.whatsapp.set_online(true);
    rig.patience().await;
    assert_eq!(rig.failed_as(&offer).await, opted_out());
    assert_eq!(rig.ours(0).len(), 0);
}

/// An edit and a reaction reach the other phone as a message does; a deletion and a withdrawn reaction only take back.
#[tokio::test]
async fn opted_out_customer_gets_no_edit_or_reaction() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let sent = rig.send(0, "an offer").await;
    rig.settle().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let desk = rig.program.desk.clone();
    let revise = |revision: Revision| desk.revise(sent.id, revision, owner());
    revise(Revision::Edit("a better offer".into())).await.unwrap();
    desk.opt_out(CustomerId(1), "owner".to_owned()).await.unwrap();
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.ours(0), ["an offer"], "what waited is not made either");
    for reaches in [Revision::Edit("the best offer".into()), Revision::React("👍".into())] {
        let refused = revise(reaches).await.unwrap_err();
        assert!(matches!(refused, Refusal::OptedOut { .. }), "{refused}");
    }
    revise(Revision::React(String::new())).await.unwrap();
    revise(Revision::Delete).await.unwrap();
}

/// A person who still knows the customer by the id of one who was merged into them.
#[tokio::test]
async fn merged_customers_id_reaches_opt_out() {
    let mut rig = Rig::new().await;
    rig.utters(0, "one").await;
    rig.utters(1, "two").await;
    let desk = rig.program.desk.clone();
    desk.merge_customers(CustomerId(1), CustomerId(2), "grace")
        .await
        .unwrap();
    let customer = desk.opt_out(CustomerId(2), "owner".to_owned()).await.unwrap();
    assert_eq!((customer.id, customer.opted_out_at.is_some()), (CustomerId(1), true));
    let refused = desk.retry(rig.messages().await[0].id).await;
    assert!(refused.is_err());
    let customer = desk.opt_in(CustomerId(2)).await.unwrap();
    assert_eq!((customer.id, customer.opted_out_at), (CustomerId(1), None));
}
