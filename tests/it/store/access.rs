//! rule 25 and 26: who may ask, what was answered, and who drives an account.

use crm::contract::RawJson;
use crm::domain::session::SessionState;
use crm::domain::{AccountId, OwnerId, Timestamp};
use crm::store::{AuditFilter, Fence, Holder, NewApiKey, PageRequest, Store, StoreError, StoredAnswer};
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::json;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, take_in};

on_each_database! {
    /// rule 25.
    racing_requests_under_one_key_answer_alike,
    answers_are_scoped_and_pruned_by_age,
    /// rule 26, invariant 7.
    lost_lease_fences_off_writes,
    account_is_made_bound_and_dated_once,
    key_is_found_by_hash_valid_until_revoked,
    settings_and_cursors_keep_last_value,
}

fn answer(body: &impl Serialize) -> RawJson {
    RawJson::of(body).unwrap()
}

/// Stores a message and its answer together, or gives the answer that is there.
async fn request(store: &Store, ada: &crm::domain::conversation::Conversation, n: i64) -> StoredAnswer {
    let new = inbound(ada, &format!("request {n}"), "x", BEGIN);
    store
        .write((new, n), |tx, (new, n)| {
            async move {
                if let Some(answer) = tx.answers().get(OwnerId(1), "key").await? {
                    return Ok(answer);
                }
                let message = desk::new(take_in(tx, new).await?).id;
                tx.answers()
                    .put(OwnerId(1), "key", &[7; 32], 202, &answer(&n), Some(message))
                    .await?;
                Ok::<_, StoreError>(tx.answers().get(OwnerId(1), "key").await?.unwrap())
            }
            .boxed()
        })
        .await
        .unwrap()
}

async fn racing_requests_under_one_key_answer_alike(database: Database) {
    let one = database.open().await;
    let ada = desk::ada(&one).await;
    let two = database.open().await;
    let (first, second) = tokio::join!(request(&one, &ada, 1), request(&two, &ada, 2));
    assert_eq!(first, second);
    assert_eq!((first.body_hash, first.status, first.created_at), ([7; 32], 202, BEGIN));
    let messages = one
        .messages()
        .count(crm::store::MessageFilter::default())
        .await
        .unwrap();
    assert_eq!(messages, 1, "what the loser did is undone, its event included");
    assert_eq!(one.journal().range().await.unwrap().head.0, 1);
    one.close().await;
    two.close().await;
}

async fn answers_are_scoped_and_pruned_by_age(database: Database) {
    let store = database.open().await;
    let put = |scope, key: &'static str| {
        store.write((scope, key), |tx, &(scope, key)| {
            async move { tx.answers().put(scope, key, &[1; 32], 201, &answer(&key), None).await }.boxed()
        })
    };
    put(OwnerId(1), "k").await.unwrap();
    put(OwnerId(2), "k").await.unwrap();
    put(OwnerId(1), "K").await.unwrap();
    let again = put(OwnerId(1), "k").await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    assert_eq!(
        store.answers().get(OwnerId(1), "K").await.unwrap().unwrap().response,
        answer(&"K")
    );
    assert_eq!(store.answers().get(OwnerId(3), "k").await.unwrap(), None);
    assert_eq!(store.answers().prune(BEGIN).await.unwrap(), 0);
    assert_eq!(store.answers().prune(Timestamp(BEGIN.0 + 1)).await.unwrap(), 3);
    store.close().await;
}

async fn lost_lease_fences_off_writes(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let take = |folder: &'static str, process: &'static str| {
        store.write((account, folder, process), |tx, &(account, folder, process)| {
            async move {
                tx.accounts()
                    .take_lease(
                        account,
                        &Holder {
                            folder: folder.into(),
                            process: process.into(),
                        },
                    )
                    .await
            }
            .boxed()
        })
    };
    let first = take("/a", "one").await.unwrap();
    check(&store, account, first).await.unwrap();
    // The first process died, and its kernel lock with it; the next one takes over.
    let second = take("/a", "two").await.unwrap();
    assert!(second > first);
    let lost = check(&store, account, first).await;
    assert!(
        matches!(lost, Err(StoreError::LeaseLost(id)) if id == account),
        "{lost:?}"
    );
    check(&store, account, second).await.unwrap();
    let elsewhere = take("/b", "three").await;
    assert!(
        matches!(&elsewhere, Err(StoreError::LeaseElsewhere { folder, .. }) if folder == "/a"),
        "{elsewhere:?}"
    );
    let lease = store.accounts().lease(account).await.unwrap().unwrap();
    assert_eq!((lease.fence, lease.holder.process.as_str()), (second, "two"));
    let release = |fence| {
        store.write((account, fence), |tx, &(account, fence)| {
            async move { tx.accounts().release_lease(account, fence).await }.boxed()
        })
    };
    assert!(!release(first).await.unwrap(), "it was taken again since");
    assert!(release(second).await.unwrap());
    assert_eq!(store.accounts().lease(account).await.unwrap(), None);
    assert!(
        check(&store, account, second).await.is_err(),
        "who was let go has lost it too"
    );
    assert!(take("/b", "three").await.unwrap() > second);
    store.close().await;
}

async fn check(store: &Store, account: AccountId, fence: Fence) -> Result<(), StoreError> {
    store
        .write((account, fence), |tx, &(account, fence)| {
            async move { tx.accounts().check_fence(account, fence).await }.boxed()
        })
        .await
}

async fn account_is_made_bound_and_dated_once(database: Database) {
    let store = database.open().await;
    let id = desk::account(&store).await;
    assert_eq!(desk::account(&store).await, id);
    let session = |state: SessionState, detail: Option<&'static str>| {
        store.write((id, state, detail), |tx, &(id, state, detail)| {
            async move { tx.accounts().set_session(id, state, detail).await }.boxed()
        })
    };
    assert!(session(SessionState::Ready, None).await.unwrap());
    assert!(!session(SessionState::Ready, None).await.unwrap());
    assert!(session(SessionState::Failed, Some("no browser")).await.unwrap());
    store
        .write(id, |tx, &id| {
            async move {
                for phone in ["+447700900001", "+447700900002"] {
                    tx.accounts().bind_phone(id, &phone.parse().unwrap()).await?;
                }
                tx.accounts().set_watermark(id, BEGIN).await?;
                tx.accounts().set_watermark(id, Timestamp(1)).await?;
                assert_eq!(tx.accounts().next_login(id).await?, 1);
                assert_eq!(tx.accounts().next_login(id).await?, 2);
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
        .unwrap();
    let account = store.accounts().by_name("default").await.unwrap().unwrap();
    assert_eq!(account.phone.as_ref().unwrap().as_str(), "+447700900001");
    assert_eq!((account.watermark, account.login), (Some(BEGIN), 2));
    assert_eq!(
        (account.state, account.detail.as_deref()),
        (SessionState::Failed, Some("no browser"))
    );
    assert_eq!(store.accounts().present().await.unwrap(), [account]);
    assert_eq!(store.accounts().by_name("Default").await.unwrap(), None);
    store.close().await;
}

async fn key_is_found_by_hash_valid_until_revoked(database: Database) {
    let store = database.open().await;
    let new = NewApiKey {
        name: "shop".into(),
        prefix: "crm_ab".into(),
        hash: [9; 32],
        scopes: vec!["read".into(), "send".into()],
        accounts: Some(vec![AccountId(1)]),
        expires_at: None,
        agent: None,
    };
    let wanted = new.clone();
    let made = store.write(wanted, |tx, new| {
        async move {
            tx.audit().add("admin", "key.create", "shop", &json!({})).await?;
            tx.keys().create(new).await
        }
        .boxed()
    });
    let made = made.await.unwrap();
    assert_eq!((made.scopes.clone(), made.accounts.clone()), (new.scopes, new.accounts));
    assert_eq!(store.keys().find(&[9; 32]).await.unwrap(), Some(made.clone()));
    assert_eq!(store.keys().find(&[8; 32]).await.unwrap(), None);
    assert!(made.is_valid(BEGIN));
    let revoked = store
        .write(made.id, |tx, &id| async move { tx.keys().revoke(id).await }.boxed())
        .await
        .unwrap();
    assert!(!revoked.unwrap().is_valid(BEGIN));
    assert_eq!(store.keys().list().await.unwrap()[0].revoked_at, Some(BEGIN));
    assert_eq!(
        store
            .audit()
            .page(PageRequest::first(1), &AuditFilter::default())
            .await
            .unwrap()
            .data[0]
            .action,
        "key.create"
    );
    store.close().await;
}

async fn settings_and_cursors_keep_last_value(database: Database) {
    let store = database.open().await;
    let set = |name: &'static str, value: Option<&'static str>| {
        store.write((name, value), |tx, &(name, value)| {
            async move { tx.settings().set(name, value).await }.boxed()
        })
    };
    assert_eq!(store.settings().get("a").await.unwrap(), None);
    for value in ["1", "1", "2"] {
        set("a", Some(value)).await.unwrap();
        assert_eq!(store.settings().get("a").await.unwrap().as_deref(), Some(value));
    }
    set("a", None).await.unwrap();
    assert_eq!(store.settings().get("a").await.unwrap(), None);
    for value in ["s1", "s2"] {
        store
            .write(value, |tx, &value| {
                async move { tx.settings().set_cursor("matrix", value).await }.boxed()
            })
            .await
            .unwrap();
        assert_eq!(store.settings().cursor("matrix").await.unwrap().as_deref(), Some(value));
    }
    let instance = store.settings().instance().await.unwrap();
    assert_eq!(store.settings().instance().await.unwrap(), instance);
    assert!(!store.settings().is_parked().await.unwrap());
    store.close().await;
    let store = database.open().await;
    assert_eq!(store.settings().instance().await.unwrap(), instance, "made once");
    store.close().await;
}
