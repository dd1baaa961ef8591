//! What a key or an agent asks that is limited to some accounts.

use std::time::Duration;

use crm::domain::rights::Sight;
use crm::domain::{AccountId, MergeId, OwnerId};
use crm::store::{AuditFilter, ConversationFilter, Cursor, CustomerFilter, PageRequest, Store};

use super::databases::BEGIN;
use super::many_rows::Ids;

/// Asks as one who is limited to two accounts.
pub async fn ask(store: &Store, account: AccountId, ids: &Ids) {
    let sight = Sight::of(Some(vec![account, AccountId(account.0 + 1)]), OwnerId(1));
    let sights = store.sights();
    sights
        .conversations(&sight, PageRequest::last(50), ConversationFilter::default())
        .await
        .unwrap();
    for page in [
        PageRequest::first(50),
        PageRequest::first(50).after(Cursor::of_id(ids.customer.0)),
    ] {
        let all = CustomerFilter::default();
        sights.customers(&sight, page, &all).await.unwrap();
    }
    assert!(sights.customer(&sight, ids.customer).await.unwrap());
    assert!(sights.conversation(&sight, ids.conversation).await.unwrap());
    assert!(sights.message(&sight, ids.message).await.unwrap());
    sights.medium(&sight, ids.media).await.unwrap();
    let other = Sight::of(Some(vec![AccountId(account.0 + 1)]), OwnerId(1));
    sights.medium(&other, ids.media).await.unwrap();
    sights.merge(&sight, MergeId(1)).await.unwrap();
    store.agents().of_account(account).await.unwrap();
    store.keys().holder(&[0; 32]).await.unwrap();
    let lately = AuditFilter {
        from: Some(BEGIN.plus(Duration::from_millis(4_900))),
        ..AuditFilter::default()
    };
    store.audit().page(PageRequest::last(50), &lately).await.unwrap();
}
