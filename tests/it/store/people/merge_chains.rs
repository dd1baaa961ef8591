//! Merges of customers who were merged before: notes, attributes and changes of messages follow whose they are.

use crm::domain::customer::Identity;
use crm::domain::message::Author;
use crm::domain::outbox::WhatsAppWork;
use crm::domain::{AccountId, ConversationId, CustomerId, OutboxId};
use crm::store::{Busy, CustomerChange, NewWork, PageRequest, Store, StoreError};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

use super::merges::{hear, lid, merge, undo};
use crate::store::database::databases::{BEGIN, Database, on_each_database};
use crate::store::desk;

on_each_database! {
    notes_return_over_chain_of_merges,
    notes_leave_conversation_that_goes_back,
    attributes_return_over_chain_of_merges,
    /// rule 4.
    change_follows_its_merged_message,
}

/// A customer who has written, with the conversation.
async fn who_wrote(store: &Store, account: AccountId, identity: Identity) -> (CustomerId, ConversationId) {
    let text = identity.value.clone();
    let customer = hear(store, account, &[identity], &text).await.0.customer.id;
    (customer, conversation_of(store, account, customer).await)
}

async fn conversation_of(store: &Store, account: AccountId, customer: CustomerId) -> ConversationId {
    let conversation = store.conversations().of_customer(account, customer).await;
    conversation.unwrap().unwrap().id
}

async fn note(store: &Store, conversation: ConversationId, content: &str) {
    store
        .write((conversation, content.to_owned()), |tx, (conversation, content)| {
            let author = Author {
                origin: None,
                name: "grace".to_owned(),
            };
            async move { tx.notes().add(*conversation, content, &author).await }.boxed()
        })
        .await
        .unwrap();
}

async fn notes(store: &Store, conversation: ConversationId) -> Vec<String> {
    let page = store.notes().page(PageRequest::first(10), conversation).await.unwrap();
    page.data.into_iter().map(|note| note.content).collect()
}

async fn notes_return_over_chain_of_merges(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let (a, of_a) = who_wrote(&store, account, lid(1)).await;
    let (b, of_b) = who_wrote(&store, account, lid(2)).await;
    let (c, of_c) = who_wrote(&store, account, lid(3)).await;
    for (conversation, content) in [(of_a, "a"), (of_b, "b"), (of_c, "c")] {
        note(&store, conversation, content).await;
    }
    let inner = merge(&store, b, c).await;
    let outer = merge(&store, a, b).await;
    note(&store, of_a, "all").await;
    assert_eq!(notes(&store, of_a).await, ["a", "b", "c", "all"]);
    undo(&store, outer).await;
    assert_eq!(notes(&store, of_a).await, ["a", "all"]);
    assert_eq!(notes(&store, of_b).await, ["b", "c"]);
    undo(&store, inner).await;
    assert_eq!(notes(&store, of_b).await, ["b"]);
    assert_eq!(notes(&store, of_c).await, ["c"]);
    store.close().await;
}

/// A conversation that had come over as a whole takes nothing home of what ended in it since.
async fn notes_leave_conversation_that_goes_back(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let other = store.write((), |tx, ()| {
        async move { Ok::<_, StoreError>(tx.accounts().create("other").await?.id) }.boxed()
    });
    let other = other.await.unwrap();
    let (one, of_one) = who_wrote(&store, account, lid(1)).await;
    let (two, of_two) = who_wrote(&store, account, lid(2)).await;
    let (three, _) = who_wrote(&store, other, lid(3)).await;
    note(&store, of_one, "one").await;
    note(&store, of_two, "two").await;
    let whole = merge(&store, three, one).await;
    let joined = merge(&store, three, two).await;
    assert_eq!(notes(&store, of_one).await, ["one", "two"]);
    undo(&store, whole).await;
    assert_eq!(notes(&store, of_one).await, ["one"]);
    let of_three = conversation_of(&store, account, three).await;
    assert_eq!(notes(&store, of_three).await, ["two"]);
    undo(&store, joined).await;
    assert_eq!(notes(&store, of_two).await, ["two"]);
    store.close().await;
}

async fn set_attributes(store: &Store, customer: CustomerId, attributes: Value) {
    let Value::Object(attributes) = attributes else {
        panic!("attributes are an object")
    };
    let change = CustomerChange {
        attributes: Some(attributes),
        ..CustomerChange::default()
    };
    store
        .write((customer, change), |tx, (customer, change)| {
            async move { tx.customers().update(*customer, change).await.map(drop) }.boxed()
        })
        .await
        .unwrap();
}

async fn attributes(store: &Store, customer: CustomerId) -> Map<String, Value> {
    store.customers().get(customer).await.unwrap().unwrap().attributes
}

async fn attributes_return_over_chain_of_merges(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let (a, _) = who_wrote(&store, account, lid(1)).await;
    let (b, _) = who_wrote(&store, account, lid(2)).await;
    let (c, _) = who_wrote(&store, account, lid(3)).await;
    set_attributes(&store, a, json!({"town": "Hull"})).await;
    set_attributes(&store, c, json!({"town": "Bath", "plan": "pro"})).await;
    let inner = merge(&store, b, c).await;
    let outer = merge(&store, a, b).await;
    assert_eq!(attributes(&store, a).await["plan"], "pro");
    undo(&store, inner).await;
    assert_eq!(Value::Object(attributes(&store, a).await), json!({"town": "Hull"}));
    // One that a person sets now is not given back with the other merge.
    set_attributes(&store, a, json!({"town": "Hull", "plan": "pro"})).await;
    undo(&store, outer).await;
    assert_eq!(attributes(&store, a).await["plan"], "pro");
    assert_eq!(Value::Object(attributes(&store, b).await), json!({}));
    assert_eq!(attributes(&store, c).await["town"], "Bath");
    store.close().await;
}

/// The heads of the account's lanes to WhatsApp: the lane, and whether it changes a message.
async fn heads(store: &Store, account: AccountId) -> Vec<(OutboxId, ConversationId, bool)> {
    let ready = store
        .outbox()
        .ready::<WhatsAppWork>(Some(account), BEGIN, 10, &Busy::default())
        .await
        .unwrap();
    let heads = ready.into_iter().map(|item| {
        let is_change = matches!(item.work, WhatsAppWork::EditMessage { .. });
        (item.id, item.lane.unwrap(), is_change)
    });
    heads.collect()
}

async fn change_follows_its_merged_message(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let (one, of_one) = who_wrote(&store, account, lid(1)).await;
    let (two, of_two) = who_wrote(&store, account, lid(2)).await;
    let conversation = store.conversations().get(of_two).await.unwrap().unwrap();
    let hello = desk::outbound(&conversation, "key", "hello", BEGIN);
    let message = desk::new(desk::take(&store, hello).await.unwrap());
    store
        .write(message, |tx, message| {
            let send = WhatsAppWork::SendMessage { message: message.id };
            let edit = WhatsAppWork::EditMessage {
                message: message.id,
                content: "goodbye".to_owned(),
                by: "grace".to_owned(),
            };
            let edit = NewWork::for_conversation(message.account_id, message.conversation_id, edit);
            let work = [NewWork::for_message(message, send), edit];
            async move {
                for work in work {
                    tx.outbox().enqueue(work).await?;
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
        .unwrap();
    let merge = merge(&store, one, two).await;
    let ready = heads(&store, account).await;
    assert!(matches!(ready[..], [(_, lane, false)] if lane == of_one), "{ready:?}");
    undo(&store, merge).await;
    let ready = heads(&store, account).await;
    assert!(matches!(ready[..], [(_, lane, false)] if lane == of_two), "{ready:?}");
    let head = ready[0].0;
    let done = store.write(head, |tx, &head| async move { tx.outbox().finish(head).await }.boxed());
    assert!(done.await.unwrap());
    let ready = heads(&store, account).await;
    assert!(matches!(ready[..], [(_, lane, true)] if lane == of_two), "{ready:?}");
    store.close().await;
}
