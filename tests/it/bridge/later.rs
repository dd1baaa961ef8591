//! Messages for later: they go at their time, and are held when the customer writes first or their time is long past.

use std::time::Duration;

use crm::bridge::{Answered, Refusal, SendCommand, SendTo};
use crm::contract::EventType;
use crm::domain::conversation::ConversationStatus;
use crm::domain::daily::Daily;
use crm::domain::message::{Author, Message, MessageState, Origin};
use crm::domain::pacing::WaitReason;
use crm::domain::{Clock, ConversationId, Timestamp};
use crm::store::Standing;

use super::Rig;

const HOUR: Duration = Duration::from_hours(1);
const TEXT: &str = "Your order is ready";

impl Rig {
    /// A program plans a text for the customer of a chat.
    pub(super) async fn plan(&self, chat: usize, after: Duration) -> Message {
        let phone = self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
        let author = Author {
            origin: Some(Origin::Api),
            name: "shop".into(),
        };
        let command = SendCommand {
            send_at: Some(self.run.clock.now().plus(after)),
            ..SendCommand::of(SendTo::Phone(phone), TEXT, author)
        };
        match self.program.desk.send(command).await.unwrap() {
            Answered::New(message) => message,
            Answered::Replayed(_) => unreachable!("it has no key"),
        }
    }

    /// Ada answers by API, having seen this message as the newest.
    async fn answer_to_seen(&self, seen: &Message) -> Result<(), Refusal> {
        let author = Author {
            origin: Some(Origin::Api),
            name: "Ada".into(),
        };
        let command = SendCommand {
            seen_up_to: Some(seen.id),
            ..SendCommand::of(SendTo::Conversation(seen.conversation_id), "the answer", author)
        };
        self.program.desk.send(command).await.map(drop)
    }

    fn goes_on(&self, by: Duration) {
        self.run.clock.advance(by);
    }

    async fn texts_on_phone(&self) -> Vec<String> {
        let accepted = self.run.whatsapp.world.lock().unwrap().accepted.clone();
        let messages = self.messages().await;
        let text = |id| messages.iter().find(|message| message.whatsapp_id.as_ref() == Some(id));
        accepted.iter().map(|id| text(id).unwrap().content.clone()).collect()
    }

    async fn status(&self, id: ConversationId) -> ConversationStatus {
        self.program
            .store
            .conversations()
            .get(id)
            .await
            .unwrap()
            .unwrap()
            .status
    }

    async fn why_held(&self) -> Option<WaitReason> {
        let message = self.message(TEXT).await;
        assert_eq!(message.state, MessageState::Held);
        message.waiting.map(|waiting| waiting.reason)
    }
}

#[tokio::test]
async fn scheduled_message_goes_at_its_time() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.plan(0, HOUR).await;
    // Nothing waits behind it.
    rig.send(0, "meanwhile").await;
    rig.settle().await;
    assert_eq!(rig.message("meanwhile").await.state, MessageState::Read);
    rig.goes_on(Duration::from_secs(3595));
    rig.settle().await;
    assert_eq!(rig.message(TEXT).await.state, MessageState::Scheduled);
    assert_eq!(rig.texts_on_phone().await, ["meanwhile"]);
    rig.goes_on(Duration::from_secs(10));
    rig.settle().await;
    let sent = rig.message(TEXT).await;
    assert_eq!((sent.id, sent.state), (planned.id, MessageState::Read));
    assert!(
        sent.timestamp > planned.timestamp.plus(Duration::from_secs(3599)),
        "as one written now"
    );
    assert_eq!(rig.texts_on_phone().await, ["meanwhile", TEXT]);
    let conversation = rig
        .program
        .store
        .conversations()
        .get(sent.conversation_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (conversation.scheduled_count, conversation.last_message_id),
        (0, Some(sent.id))
    );
}

/// A message that was written before, and is heard of only after one was planned for the customer.
#[tokio::test]
async fn older_first_message_gives_conversation_its_chat() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.customer_writes(1);
    rig.goes_on(Duration::from_mins(1));
    let planned = rig.plan(1, HOUR).await;
    rig.settle().await;
    assert_eq!(rig.why_held().await, Some(WaitReason::CustomerWrote));
    let conversation = rig.program.store.conversations().get(planned.conversation_id).await;
    let chat = rig.run.whatsapp.world.lock().unwrap().chats[1].id.clone();
    assert_eq!(conversation.unwrap().unwrap().chat_id, Some(chat));
}

#[tokio::test]
async fn customer_who_writes_first_holds_it() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.plan(0, HOUR).await;
    rig.goes_on(Duration::from_mins(10));
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.why_held().await, Some(WaitReason::CustomerWrote));
    assert_eq!(rig.events(EventType::MessageHeld).await.len(), 1);
    // In words of the room, and the time of its account.
    let notices = rig.run.matrix.notices();
    let told = notices.iter().find(|notice| notice.contains("is held")).unwrap();
    let id = planned.id;
    assert!(
        told.contains(&format!("!release {id} sends it, !cancel {id} drops it")),
        "{told}"
    );
    assert!(!told.contains('Z'), "no time of computers: {told}");
    rig.goes_on(2 * HOUR);
    rig.patience().await;
    assert!(rig.texts_on_phone().await.is_empty(), "only a person lets it go");

    // Another time: what the customer wrote before that does not hold it again.
    let author = Author {
        origin: Some(Origin::Shell),
        name: "owner".into(),
    };
    let at = rig.run.clock.now().plus(HOUR);
    rig.program
        .desk
        .change_later(planned.id, None, at, author)
        .await
        .unwrap();
    rig.goes_on(HOUR + Duration::from_secs(5));
    rig.settle().await;
    assert_eq!(rig.texts_on_phone().await, [TEXT]);
}

#[tokio::test]
async fn held_message_goes_once_when_released() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.plan(0, HOUR).await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    rig.program.desk.release(planned.id).await.unwrap();
    // Whoever writes now comes too late to hold it.
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    rig.goes_on(2 * HOUR);
    rig.patience().await;
    assert_eq!(rig.texts_on_phone().await, [TEXT]);
    rig.program.desk.release(planned.id).await.unwrap_err();
}

#[tokio::test]
async fn due_message_is_held_until_handed_over() {
    let night = Daily::new("22:00-07:00".parse().unwrap(), jiff::tz::TimeZone::UTC);
    let mut rig = Rig::with(|run| run.policy.pace.quiet = Some(night)).await;
    rig.met().await;
    // The run begins at 14:13: its time is within the quiet hours, so it waits in the outbox.
    rig.plan(0, 9 * HOUR).await;
    rig.goes_on(9 * HOUR + Duration::from_secs(5));
    rig.settle().await;
    assert_eq!(rig.message(TEXT).await.state, MessageState::Queued);
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.why_held().await, Some(WaitReason::CustomerWrote));
    rig.let_cards_change().await;
    assert_eq!(rig.waiting().await, 0);
    rig.goes_on(12 * HOUR);
    rig.patience().await;
    assert!(rig.texts_on_phone().await.is_empty());
}

#[tokio::test]
async fn message_an_hour_late_is_held_and_told() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.plan(0, HOUR).await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    rig.goes_on(Duration::from_mins(119));
    rig.work().await;
    assert_eq!(rig.message(TEXT).await.state, MessageState::Scheduled);
    rig.goes_on(Duration::from_mins(2));
    rig.work().await;
    assert_eq!(
        rig.why_held().await,
        Some(WaitReason::Late),
        "also while the account is offline"
    );
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    rig.patience().await;
    assert!(rig.texts_on_phone().await.is_empty());
}

#[tokio::test]
async fn message_found_by_resync_holds_it() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.plan(0, HOUR).await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    // Written while we were away, found only when we are back, after the time has come.
    let at = rig.run.clock.now().plus(Duration::from_secs(30));
    rig.run.whatsapp.stood_before(0, "MISSED1", "wait, not today", at);
    rig.goes_on(HOUR + Duration::from_mins(10));
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    assert_eq!(rig.why_held().await, Some(WaitReason::CustomerWrote));
    assert!(rig.texts_on_phone().await.is_empty());
}

#[tokio::test]
async fn program_that_stopped_sends_it_once_after_start() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.plan(0, HOUR).await;
    rig.goes_on(HOUR + Duration::from_mins(30));
    rig.restart().await;
    rig.settle().await;
    rig.restart().await;
    rig.settle().await;
    assert_eq!(rig.texts_on_phone().await, [TEXT]);
}

#[tokio::test]
async fn opt_out_fails_message_for_later() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.plan(0, HOUR).await;
    let customer = planned.customer_id.unwrap();
    rig.program.desk.opt_out(customer, "owner".to_owned()).await.unwrap();
    let failed = rig.message(TEXT).await;
    assert_eq!(failed.state, MessageState::Failed);
    assert_eq!(failed.failure.unwrap().code, "opted_out");
    rig.goes_on(2 * HOUR);
    rig.patience().await;
    assert!(rig.texts_on_phone().await.is_empty());
}

#[tokio::test]
async fn snoozed_conversation_opens_at_its_time() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let id = rig.messages().await[0].conversation_id;
    let until: Timestamp = rig.run.clock.now().plus(HOUR);
    let asleep = Standing {
        status: ConversationStatus::Snoozed,
        until: Some(until),
    };
    rig.program.desk.set_standing(id, asleep, None).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.status(id).await, ConversationStatus::Snoozed);
    rig.goes_on(HOUR);
    rig.settle().await;
    assert_eq!(rig.status(id).await, ConversationStatus::Open);
    // The customer's word opens it before its time.
    let until = Some(rig.run.clock.now().plus(HOUR));
    let standing = Standing {
        status: ConversationStatus::Snoozed,
        until,
    };
    rig.program.desk.set_standing(id, standing, None).await.unwrap();
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.status(id).await, ConversationStatus::Open);
}

#[tokio::test]
async fn conversation_of_former_agent_goes_back() {
    use crm::bridge::Assignment;
    use crm::domain::agent::AgentSource;
    use crm::store::StoreError;
    use futures_util::FutureExt;

    let mut rig = Rig::new().await;
    rig.met().await;
    let id = rig.messages().await[0].conversation_id;
    let agent = rig.program.store.agents().list().await.unwrap().remove(0).id;
    let assignment = Assignment {
        to: Some(agent),
        from: None,
        expected: None,
    };
    rig.program.desk.assign(id, assignment.clone()).await.unwrap();
    rig.settle().await;
    let has = |rig: &Rig| {
        let store = rig.program.store.clone();
        async move {
            store
                .conversations()
                .get(id)
                .await
                .unwrap()
                .unwrap()
                .assignee
                .map(|agent| agent.id)
        }
    };
    assert_eq!(has(&rig).await, Some(agent), "who is active keeps it");
    rig.program
        .store
        .write::<_, _, StoreError, _>(agent, |tx, &agent| {
            async move { tx.agents().deactivate(agent, AgentSource::Person).await }.boxed()
        })
        .await
        .unwrap();
    rig.settle().await;
    assert_eq!(has(&rig).await, None);
    assert_eq!(rig.events(EventType::ConversationAssigned).await.len(), 2);
    rig.program.desk.assign(id, assignment).await.unwrap_err();
}

/// It goes out after what its author's colleague had seen, whatever its number.
#[tokio::test]
async fn message_released_meanwhile_stops_an_answer() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let planned = rig.plan(0, HOUR).await;
    rig.goes_on(Duration::from_mins(1));
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.why_held().await, Some(WaitReason::CustomerWrote));
    let seen = rig
        .messages()
        .await
        .into_iter()
        .max_by_key(|message| message.id)
        .unwrap();
    rig.goes_on(Duration::from_mins(1));
    rig.program.desk.release(planned.id).await.unwrap();
    match rig.answer_to_seen(&seen).await.unwrap_err() {
        Refusal::Overtaken { missed } => assert_eq!(missed[0].id, planned.id),
        other => panic!("{other}"),
    }
}

/// Of two, the one that was planned first goes out last.
#[tokio::test]
async fn newest_of_planned_messages_shows_what_was_seen() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let last = rig.plan(0, 2 * HOUR).await;
    let first = rig.plan(0, HOUR).await;
    for _ in 0..2 {
        rig.goes_on(HOUR + Duration::from_secs(5));
        rig.settle().await;
    }
    assert_eq!(rig.texts_on_phone().await, [TEXT, TEXT]);
    match rig.answer_to_seen(&first).await.unwrap_err() {
        Refusal::Overtaken { missed } => assert_eq!(missed[0].id, last.id),
        other => panic!("{other}"),
    }
    rig.answer_to_seen(&last).await.unwrap();
}
