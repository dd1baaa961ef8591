//! rule 13 and 24: what every database keeps alike, and what it refuses alike.

use crm::domain::message::{Author, Failure, MessageState, Origin};
use crm::domain::outbox::WhatsAppWork;
use crm::domain::{Timestamp, WaMessageId};
use crm::store::{Inserted, NewMessage, NewWork, PageRequest, StoreError};
use futures_util::FutureExt;

use super::databases::{BEGIN, Database, on_each_database};
use crate::store::desk;
use crate::store::desk::{inbound, outbound, take};

on_each_database! {
    /// rule 24.
    times_keep_milliseconds_keys_compare_bytewise,
    /// rule 13.
    unstorable_value_is_refused_for_good,
    message_comes_back_as_stored,
    outbox_id_is_never_reused,
}

async fn times_keep_milliseconds_keys_compare_bytewise(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let at = Timestamp(1_790_000_000_987);
    // Letters in another case, with another accent, or with a space behind are other ids.
    for id in ["ABC", "abc", "ábc", "abc ", "abc\t", "ａｂｃ"] {
        desk::new(take(&store, inbound(&ada, id, "x", at)).await.unwrap());
        let known = take(&store, inbound(&ada, id, "x", at)).await.unwrap();
        let Inserted::Existing(known) = known else {
            panic!("{id:?} was not found")
        };
        assert_eq!(known.whatsapp_id, Some(WaMessageId::from(id)));
        assert_eq!(known.timestamp, at);
    }
    for key in ["Key", "key", "key "] {
        desk::new(take(&store, outbound(&ada, key, "x", at)).await.unwrap());
    }
    store.close().await;
}

/// The quarantine takes its bytes.
async fn unstorable_value_is_refused_for_good(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let nul = inbound(&ada, "A1", "a\0b", BEGIN);
    let long = inbound(&ada, &"x".repeat(256), "x", BEGIN);
    for refused in [nul, long] {
        let result = take(&store, refused).await;
        assert!(
            matches!(&result, Err(error @ StoreError::Unstorable(_)) if error.is_permanent()),
            "{result:?}"
        );
    }
    desk::new(take(&store, inbound(&ada, &"é".repeat(255), "x", BEGIN)).await.unwrap());
    let bytes = b"{\"body\":\"a\0b\xff\"}";
    for _ in 0..2 {
        store
            .write((ada.account_id, bytes), |tx, &(account, bytes)| {
                async move { tx.quarantine().add("whatsapp", Some(account), bytes, "a\0 in it").await }.boxed()
            })
            .await
            .unwrap();
    }
    assert_eq!(
        store.quarantine().count().await.unwrap(),
        1,
        "the same bytes again are counted, not kept"
    );
    let kept = store
        .quarantine()
        .page(PageRequest::first(10), None)
        .await
        .unwrap()
        .data
        .remove(0);
    assert_eq!((kept.bytes.as_slice(), kept.times), (bytes.as_slice(), 2));
    let id = kept.id;
    store
        .write(id, |tx, &id| async move { tx.quarantine().remove(id).await }.boxed())
        .await
        .unwrap();
    assert_eq!(store.quarantine().count().await.unwrap(), 0);
    store.close().await;
}

async fn message_comes_back_as_stored(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let content = "Grüße 👋🏽 \u{202e}\u{2028} 'quoted\" \\ \u{1}\u{1b}\u{7f} %_\n".repeat(3000);
    let new = NewMessage {
        author: Some(Author {
            origin: Some(Origin::Matrix),
            name: "Grace".into(),
        }),
        expires_at: Some(BEGIN),
        ..outbound(&ada, "k", &content, BEGIN)
    };
    let stored = desk::new(take(&store, new.clone()).await.unwrap());
    assert_eq!(stored.content, content);
    assert_eq!(stored.author, new.author);
    assert_eq!((stored.state, stored.ack), (MessageState::Queued, None));
    assert_eq!(store.messages().get(stored.id).await.unwrap(), Some(stored.clone()));
    assert_eq!(
        store.messages().expired(ada.account_id, BEGIN, 10).await.unwrap(),
        std::slice::from_ref(&stored)
    );
    let page = store.messages().page(ada.id, PageRequest::first(10)).await.unwrap();
    assert_eq!(page.data, std::slice::from_ref(&stored));
    let failure = Failure {
        code: "expired".into(),
        detail: "too late".into(),
    };
    let told = failure.clone();
    let failed = store.write((told, stored.id), |tx, (failure, id)| {
        async move {
            tx.messages()
                .set_state(*id, MessageState::Failed, Some(failure.clone()))
                .await
        }
        .boxed()
    });
    assert_eq!(failed.await.unwrap().failure, Some(failure));
    assert_eq!(store.messages().expired(ada.account_id, BEGIN, 10).await.unwrap(), []);
    let sent = store.write(stored.id, |tx, &id| {
        async move { tx.messages().set_state(id, MessageState::Read, None).await }.boxed()
    });
    let sent = sent.await.unwrap();
    assert_eq!((sent.ack, sent.failure), (Some(3), None));
    store.close().await;
}

async fn outbox_id_is_never_reused(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let message = desk::new(take(&store, outbound(&ada, "k", "x", BEGIN)).await.unwrap());
    let enqueue = || {
        let message = message.clone();
        let work = NewWork::for_message(&message, WhatsAppWork::SendMessage { message: message.id });
        store.write(work, |tx, work| {
            async move {
                let id = tx.outbox().enqueue(work.clone()).await?;
                tx.outbox().finish(id).await?;
                Ok::<_, StoreError>(id)
            }
            .boxed()
        })
    };
    let first = enqueue().await.unwrap();
    assert!(enqueue().await.unwrap() > first, "though its row is gone");
    store.close().await;
}
