//! Accounts that come and go.

use crm::domain::AccountId;
use crm::domain::message::MessageState;
use crm::domain::outbox::{MatrixWork, WhatsAppWork};
use crm::domain::session::SessionState;
use crm::store::{Added, CustomerFilter, Holder, NewWork, PageRequest, Store, StoreError};
use futures_util::{FutureExt, TryStreamExt};

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, outbound, take};

on_each_database! {
    removed_account_comes_back_as_it_was,
    removal_happens_once_and_frees_lease,
    work_under_way_is_per_account,
    customers_are_listed_per_account,
}

async fn add(store: &Store, name: &'static str) -> Added {
    store
        .write(name, |tx, &name| {
            async move { tx.accounts().add(&name.parse().unwrap()).await }.boxed()
        })
        .await
        .unwrap()
}

async fn begin(store: &Store, id: AccountId) -> bool {
    store
        .write(id, |tx, &id| {
            async move { tx.accounts().begin_removal(id, true).await }.boxed()
        })
        .await
        .unwrap()
        .is_some()
}

async fn finish(store: &Store, id: AccountId, detail: Option<&'static str>) -> bool {
    store
        .write((id, detail), |tx, &(id, detail)| {
            async move { tx.accounts().finish_removal(id, detail).await }.boxed()
        })
        .await
        .unwrap()
        .is_some()
}

async fn removed_account_comes_back_as_it_was(database: Database) {
    let store = database.open().await;
    let Added::New(made) = add(&store, "sales").await else {
        panic!("a new one");
    };
    assert_eq!(add(&store, "sales").await, Added::Taken(made.clone()));
    let id = made.id;
    store
        .write(id, |tx, &id| {
            async move {
                tx.accounts().bind_phone(id, &"+447700900001".parse().unwrap()).await?;
                tx.accounts().set_watermark(id, BEGIN).await
            }
            .boxed()
        })
        .await
        .unwrap();
    assert!(begin(&store, id).await);
    assert!(matches!(add(&store, "sales").await, Added::Taken(account) if !account.is_in_use()));
    assert_eq!(store.accounts().present().await.unwrap().len(), 1, "it is not gone yet");
    assert!(finish(&store, id, Some("unlink it on the phone")).await);
    assert_eq!(store.accounts().present().await.unwrap(), []);
    let gone = store.accounts().all().await.unwrap().remove(0);
    assert_eq!(
        (gone.removed_at, gone.state, gone.detail.as_deref()),
        (Some(BEGIN), SessionState::LoggedOut, Some("unlink it on the phone"))
    );
    for called in ["sales", &id.to_string()] {
        assert_eq!(store.accounts().called(called).await.unwrap().unwrap().id, id);
    }
    let Added::Back(back) = add(&store, "sales").await else {
        panic!("the one that was gone");
    };
    assert!(back.is_in_use() && !back.keep_profile);
    assert_eq!((back.id, back.state, back.detail), (id, SessionState::Starting, None));
    assert_eq!(back.phone.unwrap().as_str(), "+447700900001");
    assert_eq!(back.watermark, Some(BEGIN));
    assert!(
        back.login > made.login,
        "what was handed over before can be looked up no more"
    );
    store.close().await;
}

async fn removal_happens_once_and_frees_lease(database: Database) {
    let store = database.open().await;
    let id = desk::account(&store).await;
    let take_lease = |folder: &'static str| {
        let holder = Holder {
            folder: folder.to_owned(),
            process: "one".to_owned(),
        };
        store.write((holder, id), |tx, (holder, id)| {
            async move { tx.accounts().take_lease(*id, holder).await }.boxed()
        })
    };
    let fence = take_lease("/a").await.unwrap();
    assert!(!finish(&store, id, None).await, "nobody has asked for it");
    assert!(begin(&store, id).await && !begin(&store, id).await);
    assert!(store.accounts().get(id).await.unwrap().unwrap().keep_profile);
    assert!(finish(&store, id, None).await && !finish(&store, id, None).await);
    assert!(!begin(&store, id).await, "what is gone is not removed again");
    let checked = store.write((id, fence), |tx, &(id, fence)| {
        async move { tx.accounts().check_fence(id, fence).await }.boxed()
    });
    assert!(checked.await.is_err(), "whoever drove it has lost it");
    take_lease("/b").await.unwrap();
    store.close().await;
}

async fn work_under_way_is_per_account(database: Database) {
    let store = database.open().await;
    let Added::New(other) = add(&store, "other").await else {
        panic!("a new one");
    };
    let ours = desk::ada(&store).await;
    let theirs = desk::conversation(&store, other.id, "+447700900123").await;
    assert_eq!(ours.customer_id, theirs.customer_id, "one customer, two conversations");
    let mut ids = vec![];
    for (of, key) in [(&ours, "a"), (&theirs, "b"), (&ours, "c"), (&ours, "d")] {
        ids.push(desk::new(take(&store, outbound(of, key, key, BEGIN)).await.unwrap()));
    }
    let (sending, settled) = (ids[2].id, ids[3].id);
    let account = ours.account_id;
    let work: Vec<NewWork> = ids
        .iter()
        .flat_map(|message| {
            let send = WhatsAppWork::SendMessage { message: message.id };
            let show = MatrixWork::ShowMessage { message: message.id };
            [NewWork::for_message(message, send), NewWork::for_message(message, show)]
        })
        .collect();
    let (under_way, waiting) = store
        .write(
            (work, sending, settled, account),
            |tx, (work, sending, settled, account)| {
                async move {
                    for work in work {
                        tx.outbox().enqueue(work.clone()).await?;
                    }
                    tx.messages().set_state(*sending, MessageState::Sending, None).await?;
                    tx.messages().set_state(*settled, MessageState::Sent, None).await?;
                    Ok::<_, StoreError>((
                        tx.accounts().messages_under_way(*account, 10).await?,
                        tx.accounts().waiting_work(*account, 2).await?,
                    ))
                }
                .boxed()
            },
        )
        .await
        .unwrap();
    let contents: Vec<_> = under_way.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(contents, ["a", "c"], "queued or sending, and its own");
    assert_eq!(waiting.len(), 2, "no more than asked for");
    assert!(waiting.iter().all(|item| item.account_id == account));
    store.close().await;
}

async fn customers_are_listed_per_account(database: Database) {
    let store = database.open().await;
    let Added::New(other) = add(&store, "other").await else {
        panic!("a new one");
    };
    let ada = desk::ada(&store).await;
    desk::conversation(&store, other.id, "+447700900123").await;
    let ben = desk::conversation(&store, other.id, "+447700900124").await;
    let of = async |account: AccountId, search: Option<&str>| {
        let filter = CustomerFilter {
            names_only: false,
            search: search.map(ToOwned::to_owned),
            account: Some(account),
            ..CustomerFilter::default()
        };
        let page = store.customers().page(PageRequest::first(10), &filter).await.unwrap();
        page.data.into_iter().map(|customer| customer.id).collect::<Vec<_>>()
    };
    let (first, second) = (ada.customer_id.unwrap(), ben.customer_id.unwrap());
    assert_eq!(of(ada.account_id, None).await, [first]);
    assert_eq!(of(other.id, None).await, [first, second]);
    assert_eq!(of(other.id, Some("900124")).await, [second]);
    let streamed: Vec<_> = store
        .customers()
        .stream(Some(ada.account_id))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(streamed.len(), 1);
    store.close().await;
}
