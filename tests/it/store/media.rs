//! Media: what is known of each, in its own row and in those of the messages that carry it.

use std::time::Duration;

use crm::domain::media::{Media, MediaState};
use crm::domain::message::Message;
use crm::domain::{AccountId, ChatId, Clock, MediaId, Timestamp};
use crm::store::{Hashes, MediaChange, NewMedia, Store, StoreError};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, new, outbound, take};

on_each_database! {
    media_state_changes_in_all_its_messages,
    due_media_skip_busy_and_delayed_ones,
    old_unsent_upload_is_deleted,
    medium_of_disappeared_message_stays_gone,
    medium_sent_during_sweep_stays,
}

pub fn wanted(account: AccountId) -> NewMedia {
    NewMedia {
        account: Some(account),
        state: MediaState::Pending,
        wanted: true,
        mimetype: "image/jpeg".into(),
        sniffed: None,
        size: Some(7),
        sha256: None,
        promised_sha256: Some("ab".repeat(32)),
        filename: Some("cake é.jpg".into()),
        detail: None,
    }
}

async fn carried(store: &Store, message: Message, media: NewMedia) -> (Message, Media) {
    store
        .write((message.id, media), |tx, (id, media)| {
            async move {
                let media = tx.media().insert(media).await?;
                Ok::<_, StoreError>((tx.media().attach(*id, &media).await?, media))
            }
            .boxed()
        })
        .await
        .unwrap()
}

async fn change(store: &Store, id: MediaId, change: MediaChange) -> Vec<Message> {
    store
        .write((change, id), |tx, (change, id)| {
            async move { tx.media().change(*id, change).await }.boxed()
        })
        .await
        .unwrap()
}

fn stored(sha256: &str) -> MediaChange {
    MediaChange::Stored {
        sha256: sha256.into(),
        size: 9,
        sniffed: Some("image/png".into()),
    }
}

async fn media_state_changes_in_all_its_messages(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let first = new(take(&store, inbound(&ada, "A1", "[image]", BEGIN)).await.unwrap());
    let (first, media) = carried(&store, first, wanted(ada.account_id)).await;
    assert_eq!(first.media.as_ref(), Some(&media));
    assert_eq!(media.url, format!("/api/v1/media/{}", media.id));
    assert_eq!(
        (media.state, media.filename.as_deref()),
        (MediaState::Pending, Some("cake é.jpg"))
    );

    // The same medium goes out in another message.
    let second = new(take(&store, outbound(&ada, "k", "[image]", BEGIN)).await.unwrap());
    store
        .write((second.id, media), |tx, (id, media)| {
            async move { tx.media().attach(*id, media).await }.boxed()
        })
        .await
        .unwrap();
    let id = first.media.as_ref().unwrap().id;
    let hash = "cd".repeat(32);
    let changed = change(&store, id, stored(&hash)).await;
    assert_eq!(changed.len(), 2, "both messages carry it");
    for message in changed {
        let media = store.messages().get(message.id).await.unwrap().unwrap().media.unwrap();
        assert_eq!((media.state, media.size), (MediaState::Stored, Some(9)));
        assert_eq!(media.sha256.as_ref(), Some(&hash));
    }
    let known = store.media().get(id).await.unwrap().unwrap();
    assert_eq!(known.sniffed.as_deref(), Some("image/png"));
    let asked = [hash.clone(), "ef".repeat(32)];
    assert_eq!(store.media().known_objects(&asked).await.unwrap(), Hashes::from([hash]));
    store.close().await;
}

async fn due_media_skip_busy_and_delayed_ones(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let mut ids = vec![];
    for number in 0..4 {
        let message = inbound(&ada, &format!("A{number}"), "[image]", BEGIN);
        let message = new(take(&store, message).await.unwrap());
        let media = NewMedia {
            wanted: number != 3,
            ..wanted(ada.account_id)
        };
        ids.push(carried(&store, message, media).await.1.id);
    }
    let due = async |in_hand: &[MediaId]| {
        let due = store
            .media()
            .due(ada.account_id, database.clock.now(), 10, in_hand)
            .await;
        due.unwrap()
    };
    let all = due(&[]).await;
    assert_eq!(all.iter().map(|due| due.id).collect::<Vec<_>>(), ids[..3]);
    assert_eq!((all[1].message.as_str(), all[1].from_me), ("A1", false));
    assert_eq!(all[1].chat, ChatId::from("447700900123@chat"));
    assert_eq!(due(&ids[..1]).await.len(), 2);

    let (second, later) = (ids[1], BEGIN.plus(Duration::from_secs(8)));
    store
        .write((second, later), |tx, &(second, later)| {
            async move { tx.media().retry(second, later, true).await }.boxed()
        })
        .await
        .unwrap();
    assert_eq!(due(&[]).await.len(), 2, "one is put off");
    database.clock.advance(Duration::from_secs(9));
    assert_eq!(due(&[]).await[1].attempts, 1);
    let lost = MediaChange::Lost {
        state: MediaState::Expired,
        detail: "410".into(),
    };
    let told = change(&store, ids[0], lost).await;
    assert_eq!(told[0].media.as_ref().unwrap().detail.as_deref(), Some("410"));
    assert_eq!(due(&[]).await.len(), 2, "what is lost is not fetched by itself");
    change(&store, ids[0], MediaChange::Wanted).await;
    change(&store, ids[3], MediaChange::Wanted).await;
    assert_eq!(due(&[]).await.len(), 4, "what somebody asks for is");
    store.close().await;
}

async fn old_unsent_upload_is_deleted(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let message = new(take(&store, outbound(&ada, "k", "[image]", BEGIN)).await.unwrap());
    let (_, sent) = carried(&store, message, wanted(ada.account_id)).await;
    let unsent = NewMedia {
        account: None,
        ..wanted(ada.account_id)
    };
    let unsent = store
        .write(unsent, |tx, unsent| {
            async move { tx.media().insert(unsent).await }.boxed()
        })
        .await
        .unwrap();
    let both = [unsent.id, sent.id];
    store
        .write::<_, _, StoreError, _>(both, |tx, both| {
            async move {
                for id in both {
                    tx.media().add_preview(*id, b"small").await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!(forget(&store, BEGIN).await, 0, "it may be sent yet");
    assert_eq!(forget(&store, BEGIN.plus(Duration::from_secs(1))).await, 1);
    assert_eq!(store.media().preview(unsent.id).await.unwrap(), None);
    assert_eq!(
        store.media().preview(sent.id).await.unwrap().as_deref(),
        Some(&b"small"[..])
    );
    assert!(store.media().get(unsent.id).await.unwrap().is_none());
    assert!(store.media().get(sent.id).await.unwrap().is_some());
    store.close().await;
}

/// Though its bytes were on their way when the message's time was over.
async fn medium_of_disappeared_message_stays_gone(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let message = new(take(&store, inbound(&ada, "A1", "[image]", BEGIN)).await.unwrap());
    let (message, medium) = carried(&store, message, wanted(ada.account_id)).await;
    let id = message.id;
    let gone = store.write(id, |tx, &id| async move { tx.messages().empty(id).await }.boxed());
    assert_eq!(gone.await.unwrap().media, None);

    assert_eq!(change(&store, medium.id, stored(&"cd".repeat(32))).await, []);
    assert_eq!(store.messages().get(id).await.unwrap().unwrap().media, None);
    change(&store, medium.id, MediaChange::Wanted).await;
    let due = store.media().due(ada.account_id, database.clock.now(), 10, &[]).await;
    assert_eq!(due.unwrap().len(), 0, "nobody is to see it");
    let later = BEGIN.plus(Duration::from_secs(1));
    assert_eq!(forget(&store, later).await, 1);
    store.close().await;
}

/// Forgets what nothing references; gives the count.
pub async fn forget(store: &Store, before: Timestamp) -> u64 {
    let unsent = store.media().unsent(before, None, 10).await.unwrap();
    let forgotten = store.write((unsent, before), |tx, (unsent, before)| {
        async move { tx.media().forget_unsent(unsent, *before).await }.boxed()
    });
    forgotten.await.unwrap()
}

/// Found without use by the sweep, it is sent before the sweep deletes it.
async fn medium_sent_during_sweep_stays(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let message = new(take(&store, inbound(&ada, "A1", "[image]", BEGIN)).await.unwrap());
    let medium = store.write(wanted(ada.account_id), |tx, new| {
        async move { tx.media().insert(new).await }.boxed()
    });
    let medium = medium.await.unwrap();
    let later = BEGIN.plus(Duration::from_secs(1));
    let unsent = store.media().unsent(later, None, 10).await.unwrap();
    assert_eq!(unsent, [medium.id]);
    assert_eq!(store.media().unsent(later, Some(medium.id), 10).await.unwrap(), []);
    let forgotten = store.write(
        (unsent, later, message.id, medium),
        |tx, (unsent, later, message, medium)| {
            async move {
                tx.media().attach(*message, medium).await?;
                tx.media().forget_unsent(unsent, *later).await
            }
            .boxed()
        },
    );
    assert_eq!(forgotten.await.unwrap(), 0);
    store.close().await;
}
