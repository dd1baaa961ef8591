//! Another process changes a message, a conversation or an account that we are about to change: one of the two decides,
//! and the other sees it. SQLite has one writer, so there it cannot happen.

use std::time::Duration;

use crm::bridge::{Answered, NewNote, Refusal, Revision};
use crm::contract::EventType;
use crm::domain::conversation::{Conversation, ConversationStatus};
use crm::domain::message::{Message, MessageState};
use crm::domain::whatsapp::PageEvent;
use crm::domain::{Clock as _, ConversationId, WaMessageId};

use serde_json::json;

use crate::bridge::{Rig, owner};
use crate::store::database::crossing::Other;
use crate::store::database::databases::{Database, Kind, on_each_database};
use crate::store::database::raw;

on_each_database! {
    /// rule 2.
    cancelled_message_is_not_handed_over,
    handed_over_message_is_not_cancelled,
    handed_over_message_is_deleted_at_whatsapp,
    handed_over_message_is_edited_at_whatsapp,
    failed_message_is_retried_by_one,
    removed_account_takes_no_change,
    note_follows_conversation_merged_meanwhile,
    merge_keeps_assignment_made_meanwhile,
    message_opens_conversation_closed_meanwhile,
    message_follows_conversation_merged_meanwhile,
}

impl Rig {
    /// A desk on another database, with a text in its outbox; `None` on SQLite.
    pub(super) async fn on_server(database: &Database) -> Option<(Self, Message)> {
        if database.kind == Kind::Sqlite {
            return None;
        }
        let mut rig = Self::begin(|run| run.url.clone_from(&database.url)).await;
        rig.work().await;
        let message = rig.send(0, "hello").await;
        assert_eq!(message.state, MessageState::Queued);
        Some((rig, message))
    }

    /// The texts that WhatsApp has from us.
    fn with_whatsapp(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }

    pub(super) async fn conversation_as_stored(&self, id: ConversationId) -> Conversation {
        self.program.store.conversations().get(id).await.unwrap().unwrap()
    }

    /// The message of this stanza, where people see it.
    pub(super) async fn in_sight(&self, stanza: &WaMessageId) -> Message {
        let mut stored = self.messages().await;
        stored.retain(|stored| stored.whatsapp_id.as_ref() == Some(stanza));
        stored.pop().expect("it is in sight")
    }

    pub(super) async fn close(self) {
        self.program.store.clone().close().await;
    }
}

/// The other process hands the only message over.
const HANDED_OVER: &str = "UPDATE messages SET state = 'sent', whatsapp_id = 'THEIRS'";
/// What is asked of WhatsApp.
const ASKED: &str = "SELECT work FROM outbox WHERE target = 'whatsapp' ORDER BY id";

async fn cancelled_message_is_not_handed_over(database: Database) {
    let Some((mut rig, _)) = Rig::on_server(&database).await else {
        return;
    };
    let other = Other::begin(&database).await;
    other
        .run("UPDATE messages SET state = 'failed', failure_code = 'cancelled'")
        .await;
    tokio::join!(
        async { rig.run.step(&mut rig.program, 1).await.expect("no crash is planned") },
        other.commit_once_waited_for(&database)
    );
    rig.settle().await;
    assert_eq!(rig.with_whatsapp(), Vec::<String>::new());
    assert_eq!(rig.message("hello").await.state, MessageState::Failed);
    rig.close().await;
}

async fn handed_over_message_is_not_cancelled(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let other = Other::begin(&database).await;
    other.run(HANDED_OVER).await;
    let (cancelled, ()) = tokio::join!(
        rig.program.desk.cancel(message.id),
        other.commit_once_waited_for(&database)
    );
    assert!(matches!(cancelled, Err(Refusal::Conflict(_))), "{cancelled:?}");
    assert_eq!(rig.message("hello").await.state, MessageState::Sent);
    rig.close().await;
}

/// A text is revised while the other process hands it over. Returns the answer, and the work that WhatsApp is asked for last.
async fn revised_meanwhile(rig: &Rig, message: &Message, revision: Revision, database: &Database) -> (Message, String) {
    let other = Other::begin(database).await;
    other.run(HANDED_OVER).await;
    let (revised, ()) = tokio::join!(
        rig.program.desk.revise(message.id, revision, owner()),
        other.commit_once_waited_for(database)
    );
    let asked = raw::texts(database, ASKED).await.pop();
    (revised.unwrap(), asked.expect("something is asked"))
}

async fn handed_over_message_is_deleted_at_whatsapp(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let (revised, asked) = revised_meanwhile(&rig, &message, Revision::Delete, &database).await;
    assert_eq!(revised.state, MessageState::Sent);
    assert_eq!(rig.message("hello").await.state, MessageState::Sent);
    assert!(asked.contains("delete_message"), "{asked}");
    rig.close().await;
}

async fn handed_over_message_is_edited_at_whatsapp(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let edit = Revision::Edit("goodbye".to_owned());
    let (revised, asked) = revised_meanwhile(&rig, &message, edit, &database).await;
    assert_eq!(revised.content, "hello", "until WhatsApp has the other text");
    assert!(asked.contains("edit_message"), "{asked}");
    rig.close().await;
}

async fn failed_message_is_retried_by_one(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    rig.program.desk.cancel(message.id).await.unwrap();
    let two = rig.run.start().await;
    let other = Other::begin(&database).await;
    other.run("SELECT id FROM messages FOR UPDATE").await;
    let (here, there, ()) = tokio::join!(
        rig.program.desk.retry(message.id),
        two.desk.retry(message.id),
        other.commit_once_waited_for_by(2, &database)
    );
    let (mut queued, mut refused) = (vec![], vec![]);
    for retried in [here, there] {
        match retried {
            Ok(message) => queued.push(message.state),
            Err(refusal) => refused.push(refusal),
        }
    }
    assert_eq!(queued, [MessageState::Queued]);
    assert!(matches!(&refused[..], [Refusal::Conflict(_)]), "{refused:?}");
    two.store.close().await;
    rig.settle().await;
    assert_eq!(rig.with_whatsapp(), ["hello"], "once");
    rig.close().await;
}

async fn removed_account_takes_no_change(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let asked = raw::texts(&database, ASKED).await;
    raw::execute(&database, HANDED_OVER).await;
    let other = Other::begin(&database).await;
    other.run("UPDATE accounts SET removing_at = 7").await;
    let (revised, ()) = tokio::join!(
        rig.program
            .desk
            .revise(message.id, Revision::React("👍".to_owned()), owner()),
        other.commit_once_waited_for(&database)
    );
    assert!(
        matches!(&revised, Err(Refusal::Conflict(why)) if why.contains("was removed")),
        "{revised:?}"
    );
    assert_eq!(raw::texts(&database, ASKED).await, asked);
    rig.close().await;
}

/// The other process ends the first conversation in the second, in the moment in which somebody writes a note about it.
async fn note_follows_conversation_merged_meanwhile(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let goes_on = rig.send(1, "hello too").await.conversation_id;
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE conversations SET merged_into = {goes_on} WHERE id <> {goes_on}"
        ))
        .await;
    let note = NewNote {
        conversation: message.conversation_id,
        content: "careful".to_owned(),
        author: owner(),
        idempotency: None,
    };
    let (written, ()) = tokio::join!(rig.program.desk.note(note), other.commit_once_waited_for(&database));
    let Answered::New(written) = written.unwrap() else {
        panic!("it has no key")
    };
    assert_eq!(written.conversation_id, goes_on);
    rig.close().await;
}

async fn merge_keeps_assignment_made_meanwhile(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let merged = rig.send(1, "hello too").await;
    let other = Other::begin(&database).await;
    other
        .run("UPDATE conversations SET status = 'pending', assignee_id = 1, assignee = 'Ada'")
        .await;
    let (kept, gone) = (message.customer_id.unwrap(), merged.customer_id.unwrap());
    let (merge, ()) = tokio::join!(
        rig.program.desk.merge_customers(kept, gone, "grace"),
        other.commit_once_waited_for(&database)
    );
    merge.unwrap();
    let conversation = rig.conversation_as_stored(message.conversation_id).await;
    assert_eq!(conversation.status, ConversationStatus::Pending);
    assert_eq!(conversation.assignee.map(|agent| agent.name).as_deref(), Some("Ada"));
    rig.close().await;
}

async fn message_opens_conversation_closed_meanwhile(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    // The first message brings the customer's name, for which the conversation would be waited for too early.
    rig.met().await;
    let other = Other::begin(&database).await;
    other.run("UPDATE conversations SET status = 'closed'").await;
    rig.run.whatsapp.customer_writes(0);
    tokio::join!(rig.take_in_rooms(), other.commit_once_waited_for(&database));
    let conversation = rig.conversation_as_stored(message.conversation_id).await;
    assert_eq!(
        (conversation.unread_count, conversation.status),
        (2, ConversationStatus::Open)
    );
    rig.close().await;
}

async fn message_follows_conversation_merged_meanwhile(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    // The first message brings the customer's name, for which the conversation would be waited for too early.
    rig.met().await;
    let other_chat = rig.send(1, "hello too").await;
    let goes_on = other_chat.conversation_id;
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE conversations SET merged_into = {goes_on} WHERE id <> {goes_on}"
        ))
        .await;
    let stanza = rig.run.whatsapp.customer_writes(0);
    // One of history, of which little more follows.
    let long_ago = rig.run.clock.now().minus(Duration::from_hours(24));
    let old = rig.run.whatsapp.message(0, "OLD", "long ago", long_ago);
    let old_stanza = old.id.clone();
    rig.run.whatsapp.event(PageEvent::Message(Box::new(old)));
    tokio::join!(rig.take_in_rooms(), other.commit_once_waited_for(&database));
    let stored = rig.in_sight(&stanza).await;
    for stored in [&stored, &rig.in_sight(&old_stanza).await] {
        assert_eq!(
            (stored.conversation_id, stored.customer_id),
            (goes_on, other_chat.customer_id),
            "{stored:?}"
        );
    }
    assert!(rig.in_sight(&old_stanza).await.backfilled);
    assert_ne!(message.conversation_id, goes_on);
    let told = rig.events(EventType::MessageReceived).await;
    let told: Vec<_> = told.iter().map(|told| told["conversation_id"].clone()).collect();
    assert_eq!(told, [message.conversation_id, goes_on, goes_on].map(|id| json!(id)));
    let conversation = rig.conversation_as_stored(goes_on).await;
    assert_eq!(
        (conversation.unread_count, conversation.last_message_id),
        (1, Some(stored.id))
    );
    rig.close().await;
}
