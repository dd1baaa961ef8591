//! Another process merges two customers, or parts them, while something is written for one of them: it goes to the one who
//! goes on, and is told of there. SQLite has one writer, so there it cannot happen.

use crm::bridge::{Answered, NewCustomer};
use crm::contract::EventType;
use crm::domain::customer::Customer;
use crm::store::CustomerChange;

use crate::bridge::Rig;
use crate::store::database::crossing::Other;
use crate::store::database::databases::{Database, on_each_database};
use crate::store::database::raw;

on_each_database! {
    message_follows_conversation_handed_over_whole,
    message_follows_sender_parted_meanwhile,
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
