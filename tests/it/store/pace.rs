//! What waits by our own will, and who does not want to be written to.

use std::time::Duration;

use crm::domain::Timestamp;
use crm::domain::message::{Failure, MessageState};
use crm::domain::pacing::{WaitReason, Waiting};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, outbound, take};

on_each_database! {
    /// rule 8.
    waiting_reason_is_kept_while_queued,
    older_consent_word_changes_nothing,
}

fn at(seconds: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

async fn waiting_reason_is_kept_while_queued(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let first = desk::new(take(&store, outbound(&ada, "a", "a", at(1))).await.unwrap()).id;
    let second = desk::new(take(&store, outbound(&ben, "b", "b", at(2))).await.unwrap()).id;
    let wait = |reason, seconds| {
        let until = at(seconds);
        let waiting = Waiting { reason, until };
        store.write((first, waiting), |tx, &(first, waiting)| {
            async move { tx.pace().set_waiting(first, waiting).await }.boxed()
        })
    };
    let told = wait(WaitReason::FirstContacts, 60).await.unwrap().unwrap();
    assert_eq!(told.waiting.map(|waiting| waiting.until), Some(at(60)));
    assert_eq!(wait(WaitReason::FirstContacts, 60).await.unwrap(), None, "no news");
    assert_eq!(store.messages().get(first).await.unwrap(), Some(told));
    let pace = store.pace();
    let before = |message| pace.first_contacts_before(ada.account_id, message);
    assert_eq!((before(first).await.unwrap(), before(second).await.unwrap()), (0, 1));
    assert!(wait(WaitReason::QuietHours, 90).await.unwrap().is_some());
    assert_eq!(before(second).await.unwrap(), 0, "what sleeps takes nobody's place");

    let failure = Failure {
        code: "cancelled".into(),
        detail: "x".into(),
    };
    let failed = store.write((failure, first), |tx, (failure, first)| {
        async move {
            tx.messages()
                .set_state(*first, MessageState::Failed, Some(failure.clone()))
                .await
        }
        .boxed()
    });
    assert_eq!(failed.await.unwrap().waiting, None);
    assert_eq!(
        wait(WaitReason::QuietHours, 99).await.unwrap(),
        None,
        "only what is queued waits"
    );
    store.close().await;
}

/// An opt-out is kept with its time.
async fn older_consent_word_changes_nothing(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = ada.customer_id.unwrap();
    let out = |seconds| {
        store.write((id, seconds), |tx, &(id, seconds)| {
            async move { tx.opt_outs().add(id, at(seconds), "STOP — genug! 🛑").await }.boxed()
        })
    };
    let back = |seconds| {
        store.write((id, seconds), |tx, &(id, seconds)| {
            async move { tx.opt_outs().end(id, at(seconds)).await }.boxed()
        })
    };
    assert_eq!(back(1).await.unwrap(), None, "nothing to take back");
    let customer = out(10).await.unwrap().unwrap();
    assert_eq!(customer.opted_out_at, Some(at(10)));
    assert_eq!(customer.opted_out_by.as_deref(), Some("STOP — genug! 🛑"));
    assert_eq!(store.customers().get(id).await.unwrap(), Some(customer));
    assert_eq!(out(10).await.unwrap(), None);
    assert_eq!(back(9).await.unwrap(), None, "it was said before");
    assert_eq!(out(20).await.unwrap().unwrap().opted_out_at, Some(at(20)), "said again");
    let again = back(30).await.unwrap().unwrap();
    assert_eq!((again.opted_out_at, again.opted_out_by), (None, None));
    assert_eq!(out(29).await.unwrap(), None, "it came late");
    assert!(out(31).await.unwrap().is_some());

    let queued = desk::new(take(&store, outbound(&ada, "k", "x", at(40))).await.unwrap());
    take(&store, inbound(&ada, "A1", "y", at(41))).await.unwrap();
    let waiting = store.write(id, |tx, &id| async move { tx.pace().queued_for(id).await }.boxed());
    assert_eq!(waiting.await.unwrap(), [queued]);
    store.close().await;
}
