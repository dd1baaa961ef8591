//! Templates, messages for later, texts to numbers, and what went wrong.

use std::time::Duration;

use crm::bridge::Answered;
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::{Message, MessageState};
use crm::domain::template::{Draft, Field};
use crm::domain::{Clock as _, MatrixEventId, Role};
use crm::store::{CustomerFilter, PageRequest};

use super::ADA;
use crate::bridge::Rig;

impl Rig {
    async fn template(&self, name: &str, body: &str, field: Option<&str>) {
        let draft = Draft {
            name: name.to_owned(),
            body: body.to_owned(),
            fields: field
                .map(|name| Field {
                    name: name.to_owned(),
                    label: None,
                    required: true,
                    default: None,
                })
                .into_iter()
                .collect(),
            ..Draft::default()
        };
        let made = self.program.desk.create_template(draft, "test".to_owned(), None).await;
        assert!(matches!(made, Ok(Answered::New(_))));
    }

    async fn count_customers(&self) -> usize {
        let (page, all) = (PageRequest::first(100), CustomerFilter::default());
        self.program
            .store
            .customers()
            .page(page, &all)
            .await
            .unwrap()
            .data
            .len()
    }

    /// An agent edits an event of theirs.
    async fn edits(&mut self, of: &MatrixEventId, body: &str) {
        let edit = RoomEventKind::Edit {
            of: of.clone(),
            body: body.to_owned(),
        };
        self.run.matrix.happens(ADA, edit, self.run.clock.now());
        self.settle().await;
    }

    async fn waiting_messages(&self) -> Vec<Message> {
        let mut messages = self.messages().await;
        messages.retain(|message| message.state.is_for_later());
        messages
    }
}

#[tokio::test]
async fn template_is_sent_filled_or_refused() {
    let mut rig = Rig::of_customer().await;
    assert!(rig.answer_to("!template").await.starts_with("There are no templates"));
    rig.template("hello", "Good day", None).await;
    rig.template("order", "Order {{ fields.nr }}", Some("nr")).await;
    assert_eq!(
        rig.answer_to("!template").await,
        "Templates, each with its fields:\n!template hello\n!template order nr=…"
    );
    assert_eq!(rig.answer_to("!template hello").await, "");
    rig.answer_to("!template order nr=\"42 a\"").await;
    assert_eq!(rig.phone(), ["Good day", "Order 42 a"]);
    for (command, why) in [
        ("!template absent", "there is no template absent"),
        ("!template order", "nr"),
        ("!template order nr=1 other=2", "other"),
    ] {
        let told = rig.answer_to(command).await;
        assert!(
            told.starts_with("Not done: ") && told.contains(why),
            "{command}: {told}"
        );
    }
    assert_eq!(rig.phone().len(), 2);
    let shown = rig.run.matrix.texts();
    assert!(
        shown.contains(&"ada (matrix): Good day".to_owned()),
        "the room shows it: {shown:?}"
    );
}

#[tokio::test]
async fn template_with_hidden_number_needs_manager() {
    let mut rig = Rig::with(|run| run.policy.hide_numbers = true).await;
    rig.met().await;
    rig.template("call", "Call {{ customer.phone }}", None).await;
    let told = rig.answer_to("!template call").await;
    assert!(told.contains("`customer.phone`") && told.contains("manager"), "{told}");
    assert_eq!(rig.phone(), Vec::<String>::new());
    rig.promote(Role::Manager).await;
    rig.answer_to("!template call").await;
    assert!(rig.phone()[0].starts_with("Call +4477"), "{:?}", rig.phone());
}

#[tokio::test]
async fn message_for_later_is_released_or_cancelled() {
    let mut rig = Rig::of_customer().await;
    assert!(rig.answer_to("!release").await.starts_with("No message waits"));
    let told = rig.answer_to("!send-at 2h see you").await;
    let id = rig.waiting_messages().await[0].id;
    assert!(
        told.starts_with(&format!("Message {id} goes out at 20")) && told.contains(&format!("!cancel {id}")),
        "{told}"
    );
    rig.answer_to("!release").await;
    assert_eq!(rig.phone(), ["see you"]);

    rig.answer_to("!send-at tomorrow 9:00\none").await;
    rig.answer_to("!send-at in 3h two").await;
    let told = rig.answer_to("!cancel").await;
    let waiting = rig.waiting_messages().await;
    assert!(told.starts_with("Not done: say which one"), "{told}");
    for message in &waiting {
        assert!(told.contains(&format!("\n{} scheduled ", message.id)), "{told}");
    }
    let one = waiting.iter().find(|message| message.content == "one").unwrap().id;
    let told = rig.answer_to(&format!("!cancel #{one}")).await;
    assert!(told.ends_with(&format!("Message {one} is cancelled.")), "{told}");
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    assert_eq!(rig.phone(), ["see you", "two"]);
    let told = rig.answer_to(&format!("!cancel {one}")).await;
    assert!(told.starts_with("Not done: "), "{told}");
    let told = rig.answer_to("!release 999").await;
    assert!(told.contains("there is no message in this conversation: 999"), "{told}");
    let told = rig.answer_to("!send-at yesterday hello").await;
    assert!(told.contains("does not begin with a time"), "{told}");
}

/// A person at the desk decides about what the customer has overtaken.
#[tokio::test]
async fn held_message_is_released_by_command() {
    let mut rig = Rig::of_customer().await;
    rig.answer_to("!send-at 2h still there?").await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.waiting_messages().await[0].state, MessageState::Held);
    rig.answer_to("!release").await;
    assert_eq!(rig.phone(), ["still there?"]);
}

#[tokio::test]
async fn number_is_written_to_in_its_own_room() {
    let mut rig = Rig::of_customer().await;
    let told = rig.answer_to("!new +447700900001 are you there?").await;
    assert!(told.contains("room of their own"), "{told}");
    assert!(rig.phone().is_empty(), "nothing to this room's customer");
    let sent = rig.message("are you there?").await;
    assert_ne!(sent.conversation_id, rig.conversation().await.id);
    let before = rig.count_customers().await;
    let told = rig.answer_to("!new 12 hello").await;
    assert!(told.starts_with("Not done: "), "{told}");
    assert_eq!(rig.count_customers().await, before, "nobody is made");
}

#[tokio::test]
async fn failed_message_is_retried_in_reply_to_it_or_its_notice() {
    let mut rig = Rig::of_customer().await;
    rig.run.whatsapp.set_online(false);
    let event = rig.agent_says(ADA, "try me", None).await;
    let id = rig.message("try me").await.id;
    rig.program.desk.cancel(id).await.unwrap();
    rig.settle().await;
    let told = rig.answer_in_reply("!retry", Some(&event)).await;
    assert!(told.contains("your role"), "the table of rights decides: {told}");
    rig.promote(Role::Manager).await;
    let told = rig.answer_to("!retry").await;
    assert!(told.contains("reply with !retry"), "{told}");
    let notice = rig.run.matrix.newest_notice("This was not sent");
    rig.run.whatsapp.set_online(true);
    let told = rig.answer_in_reply("!retry", Some(&notice)).await;
    assert_eq!(told, format!("Message {id} is tried again."));
    rig.settle().await;
    assert_eq!(rig.phone(), ["try me"]);
    let told = rig.answer_in_reply("!retry", Some(&event)).await;
    assert!(told.contains("only failed and unknown messages"), "{told}");
}

/// What stays inside cannot be confirmed out.
#[tokio::test]
async fn confirmation_sends_nothing_that_stays_inside() {
    let mut rig = Rig::of_customer().await;
    let note = rig.agent_says(ADA, "!note INSIDE", None).await;
    let reply = rig.agent_says(ADA, "INSIDE too", Some(&note)).await;
    let command = rig.agent_says(ADA, "!status", None).await;
    let aside = rig.agent_says(ADA, "INSIDE as well", Some(&command)).await;
    for of in [&note, &reply, &command, &aside] {
        let told = rig.answer_in_reply("!send", Some(of)).await;
        assert!(told.starts_with("Not sent: "), "{told}");
    }
    let now = rig.run.clock.now();
    let old = super::text("OLD", None);
    let old = rig.run.matrix.happens(ADA, old, now.minus(Duration::from_hours(2)));
    rig.settle().await;
    rig.answer_in_reply("!send", Some(&old)).await;
    assert_eq!(rig.phone(), ["OLD"]);
}

/// Their author has corrected them before they went out: what the room shows no more never reaches the customer.
#[tokio::test]
async fn first_words_of_corrected_text_never_go_out() {
    let mut rig = Rig::of_customer().await;
    rig.promote(Role::Manager).await;
    let now = rig.run.clock.now();
    let late = super::text("the price is 10", None);
    let late = rig.run.matrix.happens(ADA, late, now.minus(Duration::from_hours(2)));
    rig.settle().await;
    rig.edits(&late, "the price is 12").await;
    let told = rig.answer_in_reply("!send", Some(&late)).await;
    assert!(told.starts_with("Not sent: "), "{told}");
    assert!(rig.phone().is_empty());

    rig.run.whatsapp.set_online(false);
    let failed = rig.agent_says(ADA, "come at ten", None).await;
    let id = rig.message("come at ten").await.id;
    rig.program.desk.cancel(id).await.unwrap();
    rig.settle().await;
    rig.edits(&failed, "come at nine").await;
    rig.run.whatsapp.set_online(true);
    rig.answer_in_reply("!retry", Some(&failed)).await;
    rig.settle().await;
    assert_eq!(rig.phone(), ["come at nine"]);
}
