//! Measures the messages stored per second, each with its journal event and synced to the disk, by one writer and by
//! many at once. `cargo bench --bench store`; add `-- sqlite://…`, or another address, to use a database of your own.

use std::sync::Arc;
use std::time::Instant;

use crm::clock::SystemClock;
use crm::contract::Event;
use crm::domain::conversation::{ChatKind, Conversation};
use crm::domain::customer::{Identity, IdentitySource};
use crm::domain::message::{Direction, Kind, MessageState};
use crm::domain::{ChatId, Clock, WaMessageId};
use crm::store::{Contact, Inserted, NewMessage, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::try_join_all;

/// Number of concurrent writers, and of messages that each run stores in total.
const RUNS: [(usize, usize); 3] = [(1, 500), (8, 4_000), (64, 16_000)];

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let folder = tempfile::tempdir().map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let address = std::env::args()
        .find(|argument| argument.contains("://"))
        .unwrap_or_else(|| format!("sqlite://{}", folder.path().join("bench.db").display()));
    let store = Store::open(&address, Arc::new(SystemClock)).await?;
    let conversation = conversation(&store).await?;
    for (writers, messages) in RUNS {
        run(&store, &conversation, writers, messages).await?;
    }
    store.close().await;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it measures the machine's own time")]
async fn run(store: &Store, conversation: &Conversation, writers: usize, messages: usize) -> Result<(), StoreError> {
    let each = messages / writers;
    let begin = Instant::now();
    try_join_all((0..writers).map(|writer| async move {
        for i in 0..each {
            take(store, conversation, format!("{writers}.{writer}.{i}")).await?;
        }
        Ok::<_, StoreError>(())
    }))
    .await?;
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = (each * writers) as f64 / seconds;
    println!(
        "{writers:>3} writers at once: {rate:>8.0} messages/s ({} in {seconds:.2} s)",
        each * writers
    );
    Ok(())
}

/// Stores one message as the bridge does: row, last message of the conversation, unread count, event.
async fn take(store: &Store, conversation: &Conversation, id: String) -> Result<Inserted, StoreError> {
    let at = SystemClock.now();
    let new = NewMessage {
        whatsapp_id: Some(WaMessageId(id)),
        ..NewMessage::of(
            conversation,
            Direction::Inbound,
            Kind::Text,
            "How much is it?",
            at,
            MessageState::Received,
        )
    };
    let conversation = conversation.id;
    store
        .write((new, conversation), |tx, (new, conversation)| {
            async move {
                let inserted = tx.messages().insert(new.clone()).await?;
                if let Inserted::New(message) = &inserted {
                    tx.conversations()
                        .touch(*conversation, message.id, message.timestamp)
                        .await?;
                    tx.conversations().add_unread(*conversation, 1).await?;
                    tx.emit(Event::message_received(message));
                }
                Ok::<_, StoreError>(inserted)
            }
            .boxed()
        })
        .await
}

async fn conversation(store: &Store) -> Result<Conversation, StoreError> {
    store
        .write((), |tx, ()| {
            async move {
                let account = tx.accounts().create("default").await?.id;
                let ada = Identity::lid("1");
                let told = Contact::new(&[ada], None, Some("Ada"), IdentitySource::WhatsApp);
                let customer = tx.customers().meet(&told).await?.customer;
                let chat = ChatId::from("chat");
                let resolved = tx
                    .conversations()
                    .resolve(account, Some(customer.id), Some(&chat), ChatKind::Direct, "Ada")
                    .await?;
                Ok::<_, StoreError>(resolved.conversation)
            }
            .boxed()
        })
        .await
}
