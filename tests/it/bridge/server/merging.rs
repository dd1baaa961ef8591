//! Another process merges two customers, or parts them, while something is written for one of them: it goes to the one who
//! goes on, and is told of there. SQLite has one writer, so there it cannot happen.

use crm::bridge::{Answered, NewCustomer, SendTo};
use crm::contract::EventType;
use crm::domain::customer::{Customer, Identity};
use crm::store::CustomerChange;

use crate::bridge::Rig;
use crate::store::database::crossing::Other;
use crate::store::database::databases::{Database, on_each_database};
use crate::store::database::raw;

on_each_database! {
    message_follows_conversation_handed_over_whole,
    message_follows_sender_parted_meanwhile,
    text_follows_conversation_merged_meanwhile,
    text_follows_customer_merged_meanwhile,
    words_in_room_merged_meanwhile_are_refused,
    undo_follows_survivor_merged_meanwhile,
}

impl Rig {
    /// The customer of a chat, who has never written.
    async fn new_customer(&self, chat: usize) -> Customer {
        let new = NewCustomer {
            phone: self.run.whatsapp.world.lock().unwrap().chats[chat].phone.clone(),
            change: CustomerChange::default(),
            idempotency: None,
        };
        match self.program.desk.create_customer(new).await.unwrap() {
            Answered::New(customer) => customer,
            Answered::Replayed(answer) => panic!("replayed: {answer:?}"),
        }
    }
}

/// The other process merges the customer into one who had no conversation.
async fn message_follows_conversation_handed_over_whole(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    rig.met().await;
    let to = rig.new_customer(1).await.id;
    let (from, id) = (message.customer_id.unwrap(), message.conversation_id);
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE conversations SET customer_id = {to}, home_id = {from} WHERE id = {id}"
        ))
        .await;
    let stanza = rig.run.whatsapp.customer_writes(0);
    tokio::join!(rig.take_in_rooms(), other.commit_once_waited_for(&database));
    let stored = rig.in_sight(&stanza).await;
    assert_eq!((stored.conversation_id, stored.customer_id), (id, Some(to)));
    let home = format!("SELECT home_id FROM messages WHERE id = {}", stored.id);
    assert_eq!(raw::numbers(&database, &home).await, [from.0]);
    let told = rig.events(EventType::MessageReceived).await.pop().unwrap();
    assert_eq!(told["customer_id"], to.0);
    rig.close().await;
}

/// The other process undoes the merge by which the message is the kept customer's.
async fn message_follows_sender_parted_meanwhile(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    rig.met().await;
    rig.run.whatsapp.customer_writes(1);
    rig.settle().await;
    let kept = message.customer_id.unwrap();
    let mut messages = rig.messages().await;
    messages.retain(|message| message.customer_id != Some(kept));
    let of_sender = messages.pop().expect("the other has written");
    let (sender, ended) = (of_sender.customer_id.unwrap(), of_sender.conversation_id);
    rig.program.desk.merge_customers(kept, sender, "grace").await.unwrap();
    rig.settle().await;
    let other = Other::begin(&database).await;
    for change in [
        format!("customers SET merged_into = NULL WHERE id = {sender}"),
        format!("customer_identities SET customer_id = {sender} WHERE home_id = {sender}"),
        format!("conversations SET merged_into = NULL WHERE id = {ended}"),
        format!(
            "conversations SET updated_at = updated_at + 1 WHERE id = {}",
            message.conversation_id
        ),
    ] {
        other.run(&format!("UPDATE {change}")).await;
    }
    let stanza = rig.run.whatsapp.customer_writes(1);
    tokio::join!(rig.take_in_rooms(), other.commit_once_waited_for(&database));
    let stored = rig.in_sight(&stanza).await;
    assert_eq!((stored.conversation_id, stored.customer_id), (ended, Some(sender)));
    let told = rig.events(EventType::MessageReceived).await.pop().unwrap();
    assert_eq!(told["conversation_id"], ended.0);
    rig.close().await;
}

async fn text_follows_conversation_merged_meanwhile(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let other_chat = rig.send(1, "hello too").await;
    let goes_on = other_chat.conversation_id;
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE conversations SET merged_into = {goes_on} WHERE id <> {goes_on}"
        ))
        .await;
    let to = SendTo::Conversation(message.conversation_id);
    let (sent, ()) = tokio::join!(rig.send_to(to, "for whom?"), other.commit_once_waited_for(&database));
    assert_eq!(
        (sent.conversation_id, sent.customer_id),
        (goes_on, other_chat.customer_id)
    );
    rig.close().await;
}

/// They have no conversation, so one would be made for somebody who has ended.
async fn text_follows_customer_merged_meanwhile(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let (kept, gone) = (message.customer_id.unwrap(), rig.new_customer(1).await.id);
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE customers SET merged_into = {kept}, phone = NULL WHERE id = {gone}"
        ))
        .await;
    let (sent, ()) = tokio::join!(
        rig.send_to(SendTo::Customer(gone), "for whom?"),
        other.commit_once_waited_for(&database)
    );
    assert_eq!(
        (sent.conversation_id, sent.customer_id),
        (message.conversation_id, Some(kept))
    );
    rig.close().await;
}

async fn words_in_room_merged_meanwhile_are_refused(database: Database) {
    let Some((mut rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    rig.met().await;
    let goes_on = rig.send(1, "hello too").await.conversation_id;
    let other = Other::begin(&database).await;
    other
        .run(&format!(
            "UPDATE conversations SET merged_into = {goes_on} WHERE id = {}",
            message.conversation_id
        ))
        .await;
    rig.run.matrix.agent_writes(0, "for whom?").expect("it has a room");
    tokio::join!(rig.take_in_rooms(), other.commit_once_waited_for(&database));
    rig.settle().await;
    let stored = raw::texts(&database, "SELECT content FROM messages").await;
    assert!(!stored.contains(&"for whom?".to_owned()), "{stored:?}");
    let notices = rig.run.matrix.notices();
    let refused = |notice: &String| notice.starts_with("Not sent. This conversation continues");
    assert!(notices.iter().any(refused), "{notices:?}");
    rig.close().await;
}

/// The other process merges the kept customer into a third, who had no conversation.
async fn undo_follows_survivor_merged_meanwhile(database: Database) {
    let Some((rig, message)) = Rig::on_server(&database).await else {
        return;
    };
    let theirs = rig.send(1, "hello too").await;
    let (kept, restored) = (message.customer_id.unwrap(), theirs.customer_id.unwrap());
    let merge = rig.program.desk.merge_customers(kept, restored, "grace").await.unwrap();
    let third = rig.new_customer(2).await.id;
    let other = Other::begin(&database).await;
    for change in [
        format!("customers SET merged_into = {third}, phone = NULL WHERE id = {kept}"),
        format!("conversations SET home_id = customer_id, customer_id = {third} WHERE customer_id = {kept}"),
        format!(
            "customer_identities SET home_id = COALESCE(home_id, customer_id), customer_id = {third} \
             WHERE customer_id = {kept}"
        ),
        format!(
            "messages SET home_id = COALESCE(home_id, customer_id), customer_id = {third} WHERE customer_id = {kept}"
        ),
    ] {
        other.run(&format!("UPDATE {change}")).await;
    }
    let (undone, ()) = tokio::join!(
        rig.program.desk.undo_merge(merge.id, "grace"),
        other.commit_once_waited_for(&database)
    );
    assert!(undone.unwrap().undone_at.is_some());
    for (text, conversation, customer) in [
        ("hello too", theirs.conversation_id, restored),
        ("hello", message.conversation_id, third),
    ] {
        let message = rig.message(text).await;
        assert_eq!(
            (message.conversation_id, message.customer_id),
            (conversation, Some(customer)),
            "{text}"
        );
    }
    let number = rig.run.whatsapp.world.lock().unwrap().chats[1].phone.clone();
    let owner = rig
        .program
        .store
        .customers()
        .by_identity(&Identity::phone(&number))
        .await;
    assert_eq!(owner.unwrap().map(|owner| owner.id), Some(restored));
    rig.close().await;
}
