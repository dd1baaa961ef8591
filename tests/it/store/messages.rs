//! A message is stored once, whoever tells of it and however often.

use crm::contract::{MessageView, RawJson};
use crm::domain::message::{Direction, Message, MessageState};
use crm::domain::{ChatId, WaMessageId, WaUserId};
use crm::store::{HandOver, Inserted, MessageFilter, NewMessage};
use futures_util::{FutureExt, TryStreamExt};

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, outbound, take};

on_each_database! {
    /// Invariant 2.
    repeated_message_is_stored_once,
    /// rule 12: senders choose their ids, and can copy another's.
    copied_id_of_other_sender_is_other_message,
    /// rule 2.
    chosen_stanza_id_stays,
    accepted_text_is_found_by_client_key,
}

async fn repeated_message_is_stored_once(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let hello = inbound(&ada, "A1", "Hello", BEGIN);
    let first = desk::new(take(&store, hello.clone()).await.unwrap());
    let again = take(
        &store,
        NewMessage {
            content: "Hello, edited".into(),
            ..hello
        },
    )
    .await
    .unwrap();
    assert_eq!(again, Inserted::Existing(first.clone()), "the stored row wins");
    let all: Vec<Message> = store
        .messages()
        .stream(MessageFilter::default())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all, std::slice::from_ref(&first));
    let told = store.journal().after(crm::domain::Seq(0), 100).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].data, RawJson::of(&MessageView::from(&first)).unwrap());
    store.close().await;
}

/// Another side, another sender or another conversation makes it another message.
async fn copied_id_of_other_sender_is_other_message(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let theirs = inbound(&ada, "COPY", "theirs", BEGIN);
    let ours = NewMessage {
        from_me: true,
        direction: Direction::Outbound,
        ..theirs.clone()
    };
    let other = NewMessage {
        sender: WaUserId::from("somebody else"),
        ..theirs.clone()
    };
    let elsewhere = inbound(&ben, "COPY", "theirs", BEGIN);
    for message in [theirs, ours, other, elsewhere] {
        desk::new(take(&store, message.clone()).await.unwrap());
        assert!(matches!(take(&store, message).await.unwrap(), Inserted::Existing(_)));
    }
    assert_eq!(store.messages().count(MessageFilter::default()).await.unwrap(), 4);
    store.close().await;
}

async fn chosen_stanza_id_stays(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = desk::new(take(&store, outbound(&ada, "k", "Hi", BEGIN)).await.unwrap()).id;
    assert_eq!(store.messages().hand_over(id).await.unwrap(), None);
    let choose = |chat: &str, stanza: &str, login| {
        let (chat, stanza) = (ChatId::from(chat), WaMessageId::from(stanza));
        store.write((id, chat, stanza, login), |tx, (id, chat, stanza, login)| {
            async move { tx.messages().choose_stanza(*id, chat, stanza, *login).await }.boxed()
        })
    };
    let first = choose("number", "S1", 1).await.unwrap();
    assert_eq!(
        first,
        HandOver {
            id: "S1".into(),
            chat: "number".into(),
            login: 1
        }
    );
    let again = choose("lid", "S2", 2).await.unwrap();
    assert_eq!(
        again,
        HandOver {
            chat: "lid".into(),
            ..first
        },
        "only the chat moves"
    );
    assert_eq!(store.messages().hand_over(id).await.unwrap(), Some(again));
    // The echo of what we sent is the row that we have.
    let found = store.write(ada.account_id, |tx, &account| {
        async move { tx.messages().ours(account, &"S1".into(), Some(&"lid".into())).await }.boxed()
    });
    assert_eq!(found.await.unwrap().unwrap().id, id);
    store.close().await;
}

async fn accepted_text_is_found_by_client_key(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let first = desk::new(take(&store, outbound(&ada, "key", "Hi", BEGIN)).await.unwrap());
    assert_eq!(first.state, MessageState::Queued);
    let again = take(&store, outbound(&ada, "key", "Hi", BEGIN)).await.unwrap();
    assert_eq!(again, Inserted::Existing(first.clone()));
    assert_eq!(store.messages().by_client_key("key").await.unwrap(), Some(first));
    assert_eq!(store.messages().by_client_key("KEY").await.unwrap(), None);
    // Without a key, the same words are another message.
    for _ in 0..2 {
        let new = NewMessage {
            client_key: None,
            ..outbound(&ada, "", "Hi", BEGIN)
        };
        desk::new(take(&store, new).await.unwrap());
    }
    store.close().await;
}
