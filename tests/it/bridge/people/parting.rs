//! Undone merges: what one of the two said while they were one holds for whoever said it.

use std::time::Duration;

use crm::bridge::{NewCustomer, Refusal, SendCommand, SendTo};
use crm::contract::EventType;
use crm::domain::consent::ConsentWords;
use crm::domain::conversation::ConversationStatus;
use crm::domain::customer::PhoneNumber;
use crm::domain::message::MessageState;
use crm::domain::pacing::WaitReason;
use crm::domain::whatsapp::PageEvent;
use crm::domain::{Clock, ConversationId, CustomerId, MergeId, Timestamp};
use crm::store::{CustomerChange, Standing};

use crate::bridge::{Rig, owner};

const ONE: CustomerId = CustomerId(1);
const TWO: CustomerId = CustomerId(2);
const HOUR: Duration = Duration::from_hours(1);

/// The customer of a chat writes.
async fn says(rig: &mut Rig, chat: usize, text: &str) {
    let now = rig.run.clock.now();
    let message = rig.run.whatsapp.message(chat, &format!("SAID{}", now.0), text, now);
    rig.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    rig.settle().await;
    // Times are whole seconds: the next word is a later one.
    rig.run.clock.advance(Duration::from_secs(1));
}

/// Two customers write: the one and the other.
async fn two() -> Rig {
    let mut rig = Rig::with(|run| run.policy.pace.consent = ConsentWords::new(&["STOP".to_owned()], &[])).await;
    for chat in 0..2 {
        says(&mut rig, chat, "hello").await;
    }
    rig
}

/// A person merges the second customer into the first.
async fn merged(rig: &mut Rig) -> MergeId {
    let merge = rig.program.desk.merge_customers(ONE, TWO, "grace").await.unwrap();
    rig.settle().await;
    rig.run.clock.advance(Duration::from_secs(1));
    merge.id
}

async fn undo(rig: &mut Rig, merge: MergeId) {
    rig.program.desk.undo_merge(merge, "grace").await.unwrap();
    rig.settle().await;
}

async fn offer(rig: &Rig, to: CustomerId) -> Result<(), Refusal> {
    let command = SendCommand::of(SendTo::Customer(to), "an offer", owner());
    rig.program.desk.send(command).await.map(drop)
}

async fn is_opted_out(rig: &Rig, id: CustomerId) -> bool {
    let customer = rig.program.store.customers().get(id).await.unwrap().unwrap();
    customer.opted_out_at.is_some()
}

/// Nobody knows for which of the two it was, and the one who said it must not be written to.
#[tokio::test]
async fn opt_out_while_merged_holds_for_both() {
    let mut rig = Box::pin(two()).await;
    let merge = merged(&mut rig).await;
    says(&mut rig, 1, "STOP").await;
    undo(&mut rig, merge).await;
    for customer in [ONE, TWO] {
        let refused = offer(&rig, customer).await;
        assert!(
            matches!(refused, Err(Refusal::OptedOut { .. })),
            "{customer}: {refused:?}"
        );
    }
    let told = rig.events(EventType::CustomerUnmerged).await;
    assert!(!told[0]["restored"]["opted_out_at"].is_null(), "{told:?}");
}

/// The other of the two has never said a word of it.
#[tokio::test]
async fn opt_out_before_merge_stays_with_its_own() {
    let mut rig = Box::pin(two()).await;
    rig.program.desk.opt_out(ONE, "owner".to_owned()).await.unwrap();
    let merge = merged(&mut rig).await;
    undo(&mut rig, merge).await;
    assert!(is_opted_out(&rig, ONE).await);
    assert!(!is_opted_out(&rig, TWO).await);
}

/// Neither of the two has ever said a word of it: it is of the one into whom they went on.
#[tokio::test]
async fn opt_out_of_later_survivor_stays_with_them() {
    const THREE: CustomerId = CustomerId(3);
    let mut rig = Box::pin(two()).await;
    says(&mut rig, 2, "hello").await;
    rig.program.desk.opt_out(THREE, "owner".to_owned()).await.unwrap();
    let merge = merged(&mut rig).await;
    rig.program.desk.merge_customers(THREE, ONE, "grace").await.unwrap();
    rig.settle().await;
    undo(&mut rig, merge).await;
    assert!(is_opted_out(&rig, THREE).await);
    assert!(!is_opted_out(&rig, TWO).await);
}

/// The one who has opted in may have been the other.
#[tokio::test]
async fn opt_in_while_merged_ends_no_older_opt_out() {
    let mut rig = Box::pin(two()).await;
    rig.program.desk.opt_out(ONE, "owner".to_owned()).await.unwrap();
    let merge = merged(&mut rig).await;
    rig.program.desk.opt_in(ONE).await.unwrap();
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    offer(&rig, ONE).await.unwrap();
    undo(&mut rig, merge).await;
    assert!(is_opted_out(&rig, ONE).await);
    let taken_back = rig.message("an offer").await;
    assert_eq!(taken_back.state, MessageState::Failed);
    assert_eq!(taken_back.failure.unwrap().code, "opted_out");
}

fn phone(rig: &Rig, chat: usize) -> PhoneNumber {
    rig.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone()
}

/// Our texts that a chat has.
fn ours(rig: &Rig, chat: usize) -> Vec<String> {
    let world = rig.run.whatsapp.world.lock().unwrap();
    let ours = world.chats[chat].on_page.iter().filter(|told| told.from_me);
    ours.map(|told| told.text.clone()).collect()
}

async fn plan(rig: &Rig, to: SendTo, text: &str) {
    let command = SendCommand {
        send_at: Some(rig.run.clock.now().plus(HOUR)),
        ..SendCommand::of(to, text, owner())
    };
    rig.program.desk.send(command).await.unwrap();
}

/// Plans for one of them do not go to the other by themselves.
#[tokio::test]
async fn message_for_either_is_held_on_undo() {
    const CONVERSATION: SendTo = SendTo::Conversation(ConversationId(1));
    let mut rig = Rig::new().await;
    says(&mut rig, 0, "hello").await;
    let other = NewCustomer {
        phone: phone(&rig, 1),
        change: CustomerChange::default(),
        idempotency: None,
    };
    rig.program.desk.create_customer(other).await.unwrap();
    // The other has no conversation yet, so that of the first comes whole to them.
    let merge = rig.program.desk.merge_customers(TWO, ONE, "grace").await.unwrap().id;
    rig.settle().await;
    plan(&rig, CONVERSATION, "planned").await;
    plan(&rig, SendTo::Phone(phone(&rig, 0)), "to a number").await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.send_to(CONVERSATION, "at once").await;
    undo(&mut rig, merge).await;
    for text in ["planned", "at once"] {
        let message = rig.message(text).await;
        let why = message.waiting.map(|waiting| waiting.reason);
        assert_eq!(
            (message.state, why),
            (MessageState::Held, Some(WaitReason::Separated)),
            "{text}"
        );
    }
    assert_eq!(rig.message("to a number").await.state, MessageState::Scheduled);
    assert_eq!(rig.events(EventType::MessageHeld).await.len(), 2);
    let notices = rig.run.matrix.notices();
    assert!(
        notices.iter().any(|notice| notice.contains("may be for either")),
        "{notices:?}"
    );

    rig.run.whatsapp.set_online(true);
    rig.run.clock.advance(HOUR + Duration::from_secs(5));
    rig.patience().await;
    assert_eq!(ours(&rig, 0), ["to a number"]);
    // It is where it was written, and where its room shows it.
    let planned = rig.message("planned").await;
    assert_eq!(planned.conversation_id, ConversationId(1));
    rig.program.desk.release(planned.id).await.unwrap();
    rig.settle().await;
    assert_eq!(ours(&rig, 0), ["to a number", "planned"]);
    assert_eq!(ours(&rig, 1), [""; 0]);
}

async fn stands(rig: &Rig, id: i64) -> Standing {
    let conversation = rig.program.store.conversations().get(ConversationId(id)).await;
    let conversation = conversation.unwrap().unwrap();
    Standing {
        status: conversation.status,
        until: conversation.snoozed_until,
    }
}

async fn stand(rig: &Rig, id: i64, standing: Standing) {
    let put = rig.program.desk.set_standing(ConversationId(id), standing, None);
    put.await.unwrap();
}

const fn standing(status: ConversationStatus, until: Option<Timestamp>) -> Standing {
    Standing { status, until }
}

#[tokio::test]
async fn snooze_outlives_merge_and_undo() {
    let open = standing(ConversationStatus::Open, None);
    let closed = standing(ConversationStatus::Closed, None);
    let mut rig = Box::pin(two()).await;
    let until = |rig: &Rig| Some(rig.run.clock.now().plus(HOUR));
    let asleep = standing(ConversationStatus::Snoozed, until(&rig));
    stand(&rig, 1, closed).await;
    stand(&rig, 2, asleep).await;
    let merge = merged(&mut rig).await;
    assert_eq!(stands(&rig, 1).await, asleep);
    undo(&mut rig, merge).await;
    assert_eq!(stands(&rig, 2).await, asleep);
    rig.run.clock.advance(HOUR);
    rig.settle().await;
    assert_eq!([stands(&rig, 1).await, stands(&rig, 2).await], [open, open]);

    // One that ends while the two are one.
    stand(&rig, 2, standing(ConversationStatus::Snoozed, until(&rig))).await;
    let merge = merged(&mut rig).await;
    rig.run.clock.advance(HOUR);
    undo(&mut rig, merge).await;
    assert_eq!(stands(&rig, 2).await, open);

    // One whose customer has written while the two were one.
    stand(&rig, 2, standing(ConversationStatus::Snoozed, until(&rig))).await;
    let merge = merged(&mut rig).await;
    says(&mut rig, 1, "are you there?").await;
    undo(&mut rig, merge).await;
    assert_eq!(stands(&rig, 2).await, open);
}
