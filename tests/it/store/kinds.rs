//! What messages carry besides their text, and groups.

use crm::contract::{Event, MessageView};
use crm::domain::ConversationId;
use crm::domain::details::{Details, Poll};
use crm::domain::group::{Group, Participant};
use crm::domain::{Seq, WaUserId};
use crm::store::{NewMessage, StoreError};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, take};

on_each_database! {
    group_is_stored_and_reported_on_change,
    disappearing_wipes_row_and_journal,
}

async fn group_is_stored_and_reported_on_change(database: Database) {
    let store = database.open().await;
    let id = desk::ada(&store).await.id;
    let member = |name: &str, is_admin| Participant {
        user: WaUserId::from("9001"),
        name: name.to_owned(),
        phone: Some("+447700900123".parse().unwrap()),
        from_me: false,
        is_admin,
    };
    let mut group = Group {
        photo_url: None,
        participants: vec![member("Ada 👩‍🍳", false)],
    };
    assert!(keep(&store, id, &group).await, "it is news");
    assert!(!keep(&store, id, &group).await, "and no news again");
    assert_eq!(store.groups().get(id).await.unwrap(), Some(group.clone()));
    group.participants[0].is_admin = true;
    assert!(keep(&store, id, &group).await);
    assert_eq!(store.groups().get(id).await.unwrap(), Some(group));
    store.close().await;
}

async fn keep(store: &crm::store::Store, id: ConversationId, group: &Group) -> bool {
    let group = group.clone();
    store
        .write((group, id), |tx, (group, id)| {
            async move { tx.groups().set(*id, &group.participants).await }.boxed()
        })
        .await
        .unwrap()
}

async fn disappearing_wipes_row_and_journal(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let poll = Poll {
        question: "secret?".into(),
        options: vec!["yes".into(), "no".into()],
        selectable: 1,
        votes: vec![],
        ids: vec![],
    };
    let details = Details {
        expires_after_s: Some(60),
        poll: Some(poll),
        ..Details::default()
    };
    let due = BEGIN.plus(std::time::Duration::from_mins(1));
    let short = NewMessage {
        details: Some(details),
        vanishes_at: Some(due),
        ..inbound(&ada, "A1", "secret", BEGIN)
    };
    let short = desk::new(take(&store, short).await.unwrap());
    let stays = desk::new(
        take(&store, inbound(&ada, "A2", "secret as well", BEGIN))
            .await
            .unwrap(),
    );

    let account = ada.account_id;
    let before = crm::domain::Timestamp(due.0 - 1);
    assert_eq!(
        store.messages().due_to_disappear(account, before, 10).await.unwrap(),
        []
    );
    assert_eq!(
        store.messages().due_to_disappear(account, due, 10).await.unwrap(),
        [short.id]
    );
    let id = short.id;
    let gone = store
        .write(id, |tx, &id| {
            async move {
                let gone = tx.messages().empty(id).await?;
                tx.emit(Event::message_deleted(&gone));
                Ok::<_, StoreError>(gone)
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!((gone.content.as_str(), gone.deleted_at.is_some()), ("", true));
    let details = gone.details.unwrap();
    assert!(details.disappeared && details.poll.is_none(), "{details:?}");
    assert_eq!(
        store.messages().due_to_disappear(account, due, 10).await.unwrap(),
        [],
        "once"
    );
    assert_eq!(
        store.messages().get(stays.id).await.unwrap().unwrap().content,
        "secret as well"
    );
    let journal = store.journal().after(Seq(0), 100).await.unwrap();
    assert_eq!(journal.len(), 3);
    for event in journal {
        let told = event.data.to_string();
        let message: MessageView = event.data.parse().unwrap();
        assert_eq!(told.contains("secret"), message.id == stays.id, "{told}");
    }
    store.close().await;
}
