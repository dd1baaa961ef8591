//! A small desk to write messages at: an account, a customer, their conversation.

use crm::contract::Event;
use crm::domain::conversation::{ChatKind, Conversation};
use crm::domain::customer::{Identity, IdentitySource};
use crm::domain::message::{Direction, Kind, Message, MessageState};
use crm::domain::{AccountId, ChatId, Timestamp, WaMessageId};
use crm::store::{Contact, Inserted, NewMessage, Store, StoreError, Tx};
use futures_util::FutureExt;

/// The account that every test has.
pub async fn account(store: &Store) -> AccountId {
    store
        .write((), |tx, ()| {
            async move { Ok::<_, StoreError>(tx.accounts().create("default").await?.id) }.boxed()
        })
        .await
        .unwrap()
}

/// The conversation with the customer of this number.
pub async fn conversation(store: &Store, account: AccountId, phone: &str) -> Conversation {
    let phone = phone.to_owned();
    store
        .write((phone, account), |tx, (phone, account)| {
            async move {
                let identity = Identity::phone(&phone.parse().unwrap());
                let told = Contact::new(&[identity], None, Some("Ada"), IdentitySource::WhatsApp);
                let customer = tx.customers().meet(&told).await?.customer;
                let chat = ChatId(format!("{}@chat", &phone[1..]));
                let resolved = tx
                    .conversations()
                    .resolve(
                        *account,
                        Some(customer.id),
                        Some(&chat),
                        ChatKind::Direct,
                        &customer.name,
                    )
                    .await?;
                Ok::<_, StoreError>(resolved.conversation)
            }
            .boxed()
        })
        .await
        .unwrap()
}

pub async fn ada(store: &Store) -> Conversation {
    let account = account(store).await;
    conversation(store, account, "+447700900123").await
}

/// A customer's message as WhatsApp would tell it.
pub fn inbound(conversation: &Conversation, id: &str, content: &str, at: Timestamp) -> NewMessage {
    NewMessage {
        whatsapp_id: Some(WaMessageId::from(id)),
        ..NewMessage::of(
            conversation,
            Direction::Inbound,
            Kind::Text,
            content,
            at,
            MessageState::Received,
        )
    }
}

/// A text of ours, waiting to be sent.
pub fn outbound(conversation: &Conversation, key: &str, content: &str, at: Timestamp) -> NewMessage {
    NewMessage {
        client_key: Some(key.to_owned()),
        ..NewMessage::of(
            conversation,
            Direction::Outbound,
            Kind::Text,
            content,
            at,
            MessageState::Queued,
        )
    }
}

/// Stores a message with its event, as the bridge does.
pub async fn take(store: &Store, new: NewMessage) -> Result<Inserted, StoreError> {
    store
        .write(new, |tx, new| async move { take_in(tx, new).await }.boxed())
        .await
}

pub async fn take_in(tx: &mut Tx, new: &NewMessage) -> Result<Inserted, StoreError> {
    let inserted = tx.messages().insert(new.clone()).await?;
    if let Inserted::New(message) = &inserted {
        tx.emit(Event::message_received(message));
    }
    Ok(inserted)
}

/// The message that was stored, which has to be new.
pub fn new(inserted: Inserted) -> Message {
    match inserted {
        Inserted::New(message) => message,
        Inserted::Existing(message) => panic!("message {} was there already", message.id),
    }
}
