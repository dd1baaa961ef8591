//! Pictures of customers and groups: which one each shows, and whose are due.

use std::time::Duration;

use crm::domain::conversation::ChatKind;
use crm::domain::media::MediaState;
use crm::domain::{AccountId, ChatId, ConversationId, Timestamp};
use crm::store::{AvatarOwner, AvatarTimes, NewMedia, Store, StoreError, StoredMedia};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk;
use super::media::wanted;

on_each_database! {
    due_avatar_is_known_shown_one_is_kept,
    avatar_due_during_lookup_stays_due,
}

const LATER: Duration = Duration::from_secs(1);

async fn due_avatar_is_known_shown_one_is_kept(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let group = group(&store, ada.account_id).await;
    let due = async |active, now| store.avatars().due(ada.account_id, active, now).await.unwrap();
    for of in [
        AvatarOwner::Customer(ada.customer_id.unwrap()),
        AvatarOwner::Group(group),
    ] {
        let first = due(BEGIN, BEGIN).await.expect("a picture that was never looked up");
        assert_eq!((first.of, first.tag), (of, None));
        assert_eq!(due(BEGIN.plus(LATER), BEGIN).await, None, "nobody was active since");

        let one = show(&store, ada.account_id, of, "one").await;
        assert_eq!(shown(&store, of).await.as_deref(), Some(one.media.url.as_str()));
        assert!(
            due(BEGIN, BEGIN).await.is_none_or(|due| due.of != of),
            "it was just looked up"
        );
        let again = due(BEGIN, BEGIN.plus(LATER)).await.unwrap();
        assert_eq!((again.of, again.tag.as_deref()), (of, Some("one")));

        let two = show(&store, ada.account_id, of, "two").await;
        assert_eq!(forget(&store).await, 1);
        assert!(
            store.media().get(one.media.id).await.unwrap().is_none(),
            "another is shown"
        );
        assert!(store.media().get(two.media.id).await.unwrap().is_some());

        let never = AvatarTimes {
            at: BEGIN.plus(LATER),
            again: BEGIN.plus(LATER * 1000),
        };
        let taken_away = store.write((of, never), |tx, &(of, never)| {
            async move { tx.avatars().set(of, None, never).await }.boxed()
        });
        assert!(taken_away.await.unwrap(), "they look other than before");
        assert_eq!(shown(&store, of).await, None);
        assert_eq!(forget(&store).await, 1);
    }
    store.close().await;
}

async fn avatar_due_during_lookup_stays_due(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let group = AvatarOwner::Group(group(&store, ada.account_id).await);
    let saw = async |of: AvatarOwner, at: Timestamp| {
        let again = BEGIN.plus(LATER);
        let written = store.write((of, at, again), |tx, &(of, at, again)| {
            async move { tx.avatars().mark_checked(of, AvatarTimes { at, again }).await }.boxed()
        });
        written.await.unwrap();
        let due = store.avatars().due(ada.account_id, BEGIN, BEGIN).await.unwrap();
        due.map(|due| due.of)
    };
    let her = AvatarOwner::Customer(ada.customer_id.unwrap());
    assert_eq!(saw(her, BEGIN).await, Some(group), "nobody has looked at it");
    let AvatarOwner::Group(conversation) = group else {
        unreachable!()
    };
    let changed = store.write(conversation, |tx, &conversation| {
        async move { tx.avatars().recheck_group(conversation).await }.boxed()
    });
    changed.await.unwrap();
    let before = BEGIN.minus(LATER);
    assert_eq!(saw(group, before).await, Some(group), "it has changed since");
    assert_eq!(saw(group, BEGIN).await, None);
    store.close().await;
}

async fn group(store: &Store, account: AccountId) -> ConversationId {
    store
        .write(account, |tx, &account| {
            async move {
                let chat = ChatId::from("120363000000000001@g.us");
                let resolved = tx
                    .conversations()
                    .resolve(account, None, Some(&chat), ChatKind::Group, "Bakers")
                    .await?;
                tx.groups().set(resolved.conversation.id, &[]).await?;
                Ok::<_, StoreError>(resolved.conversation.id)
            }
            .boxed()
        })
        .await
        .unwrap()
}

/// A picture of this tag is shown, and is due again a second later.
async fn show(store: &Store, account: AccountId, of: AvatarOwner, tag: &'static str) -> StoredMedia {
    let picture = NewMedia {
        state: MediaState::Stored,
        sha256: Some("ab".repeat(32)),
        ..wanted(account)
    };
    let looked = AvatarTimes {
        at: BEGIN.plus(LATER),
        again: BEGIN.plus(LATER),
    };
    let id = store
        .write((picture, of, tag, looked), |tx, (picture, of, tag, looked)| {
            async move {
                let medium = tx.media().insert(picture).await?;
                assert!(
                    tx.avatars()
                        .set(*of, Some(((*tag).to_owned(), medium.id)), *looked)
                        .await?
                );
                Ok::<_, StoreError>(medium.id)
            }
            .boxed()
        })
        .await
        .unwrap();
    store.media().get(id).await.unwrap().unwrap()
}

/// Forgets what nobody shows; gives the count.
async fn forget(store: &Store) -> u64 {
    super::media::forget(store, BEGIN.plus(LATER)).await
}

/// Where the picture is served.
async fn shown(store: &Store, of: AvatarOwner) -> Option<String> {
    match of {
        AvatarOwner::Customer(id) => store.customers().get(id).await.unwrap().unwrap().photo_url,
        AvatarOwner::Group(conversation) => store.groups().get(conversation).await.unwrap().unwrap().photo_url,
    }
}
