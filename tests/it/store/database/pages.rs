//! Pages by key: each row once, whatever is added meanwhile, and nothing cut off in silence.

use std::time::Duration;

use crm::domain::Timestamp;
use crm::store::{ConversationFilter, Order, Page, PageRequest, Store};
use futures_util::FutureExt;

use super::databases::{BEGIN, Database, on_each_database};
use crate::store::desk;
use crate::store::desk::{inbound, take};

on_each_database! {
    pages_order_messages_by_whatsapp_second,
    page_is_stable_while_rows_are_added,
    conversations_are_listed_by_last_message,
    page_size_is_clamped,
}

/// Walks through all pages; gives the rows.
async fn walk<T>(mut page: PageRequest, read: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    let mut all = vec![];
    loop {
        let Page { data, ends, has_more } = read(page).await;
        assert!(data.len() as u64 <= page.limit);
        all.extend(data);
        let Some((_, last)) = ends.filter(|_| has_more) else {
            return all;
        };
        page = match page.order {
            Order::Ascending => page.after(last),
            Order::Descending => page.before(last),
        };
    }
}

async fn pages_order_messages_by_whatsapp_second(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    // Ours has milliseconds; the answer, told later, has the same second and none.
    let second = |s: i64, ms: i64| Timestamp(BEGIN.0 + s * 1000 + ms);
    let told = [
        ("b", second(5, 900)),
        ("c", second(5, 0)),
        ("e", second(9, 0)),
        ("d", second(5, 999)),
        ("a", second(4, 0)),
    ];
    for (id, at) in told {
        take(&store, inbound(&ada, id, id, at)).await.unwrap();
    }
    let read = async |page| store.messages().page(ada.id, page).await.unwrap();
    let contents = async |page| -> Vec<String> {
        walk(page, read)
            .await
            .into_iter()
            .map(|message| message.content)
            .collect()
    };
    for limit in 1..7 {
        assert_eq!(
            contents(PageRequest::first(limit)).await,
            ["a", "b", "c", "d", "e"],
            "{limit} a page"
        );
        assert_eq!(
            contents(PageRequest::last(limit)).await,
            ["e", "d", "c", "b", "a"],
            "{limit} a page"
        );
    }
    let all = read(PageRequest::first(10)).await;
    let (first, last) = all.ends.unwrap();
    let inner = contents(PageRequest::first(2).after(first).before(last)).await;
    assert_eq!(inner, ["b", "c", "d"], "bounds hold for every page");
    store.close().await;
}

async fn page_is_stable_while_rows_are_added(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    for i in 0..6 {
        take(&store, inbound(&ada, &format!("A{i}"), &i.to_string(), BEGIN))
            .await
            .unwrap();
    }
    let newest = store.messages().page(ada.id, PageRequest::last(2)).await.unwrap();
    take(&store, inbound(&ada, "new", "new", BEGIN)).await.unwrap();
    let (_, end) = newest.ends.unwrap();
    let next = store
        .messages()
        .page(ada.id, PageRequest::last(2).before(end))
        .await
        .unwrap();
    let contents: Vec<_> = next.data.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(contents, ["3", "2"]);
    assert!(next.has_more);
    store.close().await;
}

async fn conversations_are_listed_by_last_message(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let touch = async |of: crm::domain::ConversationId, seconds: u64| {
        let at = BEGIN.plus(Duration::from_secs(seconds));
        store
            .write((of, at), |tx, &(of, at)| {
                async move { tx.conversations().touch(of, crm::domain::MessageId(1), at).await }.boxed()
            })
            .await
            .unwrap();
    };
    let listed = async |store: &Store, filter: ConversationFilter| -> Vec<i64> {
        let page = store.conversations().page(PageRequest::last(10), filter).await.unwrap();
        page.data.into_iter().map(|conversation| conversation.id.0).collect()
    };
    let all = ConversationFilter::default();
    touch(ben.id, 10).await;
    touch(ada.id, 20).await;
    assert_eq!(listed(&store, all).await, [ada.id.0, ben.id.0]);
    touch(ben.id, 30).await;
    assert_eq!(listed(&store, all).await, [ben.id.0, ada.id.0]);
    // A resync tells of an older message: it is not the last one.
    touch(ben.id, 5).await;
    let last = store
        .conversations()
        .get(ben.id)
        .await
        .unwrap()
        .unwrap()
        .last_message_at;
    assert_eq!(last, Some(BEGIN.plus(Duration::from_secs(30))));
    let of_ada = ConversationFilter {
        customer: ada.customer_id,
        ..all
    };
    assert_eq!(listed(&store, of_ada).await, [ada.id.0]);
    assert_eq!(
        listed(&store, ConversationFilter { unread: true, ..all }).await,
        Vec::<i64>::new()
    );
    store.close().await;
}

async fn page_size_is_clamped(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    take(&store, inbound(&ada, "A", "x", BEGIN)).await.unwrap();
    take(&store, inbound(&ada, "B", "x", BEGIN)).await.unwrap();
    let none = store.messages().page(ada.id, PageRequest::first(0)).await.unwrap();
    assert_eq!(
        (none.data.len(), none.has_more),
        (1, true),
        "none at all could never go on"
    );
    let all = store
        .messages()
        .page(ada.id, PageRequest::first(u64::MAX))
        .await
        .unwrap();
    assert_eq!((all.data.len(), all.has_more), (2, false));
    store.close().await;
}
