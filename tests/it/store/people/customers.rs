//! rule 12: a person is found by any of the names that WhatsApp has for them.

use std::time::Duration;

use crm::domain::conversation::ChatKind;
use crm::domain::customer::{Customer, Identity, IdentityKind, IdentitySource};
use crm::domain::{ChatId, CustomerId};
use crm::store::{Contact, CustomerChange, CustomerFilter, PageRequest, ResolvedCustomer, Store, StoreError};
use futures_util::{FutureExt, StreamExt, TryStreamExt};

use crate::store::database::databases::{Database, on_each_database};
use crate::store::desk;

on_each_database! {
    customer_is_found_by_number_or_lid,
    customer_shows_newest_number,
    set_name_is_not_replaced_by_whatsapp,
    contact_without_identity_makes_no_customer,
    chat_moved_to_lid_keeps_conversation,
    claimed_chat_belongs_to_latest_conversation,
    search_matches_part_of_name_or_number,
    unread_counts_per_conversation_and_customer,
}

fn phone(digits: &str) -> Identity {
    Identity {
        kind: IdentityKind::Phone,
        value: format!("+{digits}"),
    }
}

async fn resolve(store: &Store, identities: &[Identity], name: Option<&str>) -> Result<ResolvedCustomer, StoreError> {
    let (identities, name) = (identities.to_vec(), name.map(ToOwned::to_owned));
    store
        .write((identities, name), |tx, (identities, name)| {
            async move {
                let told = Contact::new(identities, None, name.as_deref(), IdentitySource::WhatsApp);
                tx.customers().meet(&told).await
            }
            .boxed()
        })
        .await
}

async fn customer_is_found_by_number_or_lid(database: Database) {
    let store = database.open().await;
    let (number, lid) = (phone("447700900123"), Identity::lid("99001"));
    let first = resolve(&store, std::slice::from_ref(&number), Some("Ada"))
        .await
        .unwrap();
    assert!(first.created && !first.changed);
    assert_eq!(first.customer.phone.as_ref().unwrap().as_str(), "+447700900123");
    let both = resolve(&store, &[lid.clone(), number.clone()], Some("Ada"))
        .await
        .unwrap();
    assert!(!both.created && !both.changed, "a LID is no change that anybody sees");
    for identity in [&number, &lid] {
        assert_eq!(
            store.customers().by_identity(identity).await.unwrap().unwrap().id,
            first.customer.id
        );
    }
    assert_eq!(
        store.identities().of_customer(first.customer.id).await.unwrap(),
        [number, lid.clone()]
    );
    let later = resolve(&store, &[lid], Some("Ada")).await.unwrap();
    assert_eq!(later.customer.id, first.customer.id);
    store.close().await;
}

async fn customer_shows_newest_number(database: Database) {
    let store = database.open().await;
    let lid = Identity::lid("99001");
    let shown = |customer: &Customer| customer.phone.as_ref().map(|phone| phone.as_str().to_owned());
    let first = resolve(&store, &[lid.clone(), phone("447700900123")], Some("Ada"))
        .await
        .unwrap()
        .customer;
    let moved = resolve(&store, &[lid.clone(), phone("447700900999")], Some("Ada"))
        .await
        .unwrap();
    assert!(moved.changed);
    assert_eq!(moved.customer.id, first.id);
    assert_eq!(shown(&moved.customer).unwrap(), "+447700900999");
    // A service's short code is an identity, and no number to show.
    let short = resolve(&store, &[lid, phone("12345")], Some("Ada")).await.unwrap();
    assert_eq!(shown(&short.customer).unwrap(), "+447700900999");
    assert_eq!(
        store
            .customers()
            .by_identity(&phone("12345"))
            .await
            .unwrap()
            .unwrap()
            .id,
        first.id
    );
    store.close().await;
}

async fn set_name_is_not_replaced_by_whatsapp(database: Database) {
    let store = database.open().await;
    let number = [phone("447700900123")];
    let first = resolve(&store, &number, None).await.unwrap().customer;
    assert_eq!(first.name, "+447700900123", "as long as no name is told");
    let named = resolve(&store, &number, Some(" Ada ")).await.unwrap();
    assert!(named.changed);
    assert_eq!(named.customer.name, "Ada");
    let change = |change: CustomerChange| {
        store.write(change, |tx, change| {
            async move { tx.customers().update(CustomerId(1), change).await }.boxed()
        })
    };
    let given = CustomerChange {
        name: Some(Some("Ada (Leeds)".into())),
        ..CustomerChange::default()
    };
    assert_eq!(change(given.clone()).await.unwrap().unwrap().name, "Ada (Leeds)");
    assert_eq!(change(given).await.unwrap(), None, "the same again changes nothing");
    let later = resolve(&store, &number, Some("Ada the Great")).await.unwrap();
    assert!(!later.changed);
    assert_eq!(later.customer.name, "Ada (Leeds)");
    let taken_back = CustomerChange {
        name: Some(None),
        ..CustomerChange::default()
    };
    assert_eq!(change(taken_back).await.unwrap().unwrap().name, "Ada the Great");
    store.close().await;
}

async fn contact_without_identity_makes_no_customer(database: Database) {
    let store = database.open().await;
    let refused = resolve(&store, &[], Some("Ada")).await;
    assert!(matches!(&refused, Err(error) if error.is_permanent()), "{refused:?}");
    assert_eq!(store.customers().stream(None).count().await, 0);
    store.close().await;
}

async fn chat_moved_to_lid_keeps_conversation(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let moved = resolve_chat(&store, &ada, "lid-chat").await;
    assert_eq!(moved.id, ada.id);
    assert_eq!(
        moved.chat_id,
        Some(ChatId::from("lid-chat")),
        "the newest chat is the one to answer"
    );
    assert_eq!(
        store.conversations().get(ada.id).await.unwrap().unwrap().chat_id,
        moved.chat_id
    );
    store.close().await;
}

async fn resolve_chat(
    store: &Store,
    of: &crm::domain::conversation::Conversation,
    chat: &str,
) -> crm::domain::conversation::Conversation {
    let (account, customer, chat) = (of.account_id, of.customer_id, ChatId::from(chat));
    store
        .write((chat, account, customer), |tx, (chat, account, customer)| {
            async move {
                let resolved = tx
                    .conversations()
                    .resolve(*account, *customer, Some(chat), ChatKind::Direct, "x")
                    .await?;
                Ok::<_, StoreError>(resolved.conversation)
            }
            .boxed()
        })
        .await
        .unwrap()
}

async fn claimed_chat_belongs_to_latest_conversation(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let twin = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let chat = twin.chat_id.clone().unwrap();
    let moved = resolve_chat(&store, &ada, chat.as_str()).await;
    assert_eq!(moved.id, ada.id);
    assert_eq!(store.conversations().get(twin.id).await.unwrap().unwrap().chat_id, None);
    let found = store
        .conversations()
        .of_chat(ada.account_id, &chat)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, ada.id);
    store.close().await;
}

async fn search_matches_part_of_name_or_number(database: Database) {
    let store = database.open().await;
    for (digits, name) in [
        ("447700900001", "Zoë ÄRGER"),
        ("447700900002", "100% Bob_"),
        ("447700900003", "Bobby"),
    ] {
        resolve(&store, &[phone(digits)], Some(name)).await.unwrap();
        database.clock.advance(Duration::from_secs(1));
    }
    let found = async |text: &str| -> Vec<i64> {
        let filter = CustomerFilter {
            search: Some(text.to_owned()),
            ..CustomerFilter::default()
        };
        let page = store.customers().page(PageRequest::first(10), &filter).await.unwrap();
        page.data.into_iter().map(|customer| customer.id.0).collect()
    };
    assert_eq!(found("zoË ä").await, [1]);
    assert_eq!(found("bob").await, [2, 3]);
    assert_eq!(found("0%").await, [2], "a percent sign means itself");
    assert_eq!(found("b_").await, [2], "an underscore means itself");
    assert_eq!(found("!").await, Vec::<i64>::new());
    assert_eq!(found("0003").await, [3]);
    assert_eq!(found(" ").await, [1, 2, 3]);
    let all: Vec<Customer> = store.customers().stream(None).try_collect().await.unwrap();
    assert_eq!(all.len(), 3);
    store.close().await;
}

async fn unread_counts_per_conversation_and_customer(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let (id, customer) = (ada.id, ada.customer_id.unwrap());
    let counts = async || {
        let conversation = store.conversations().get(id).await.unwrap().unwrap();
        let customer = store.customers().get(customer).await.unwrap().unwrap();
        (conversation.unread_count, customer.unread_count)
    };
    for _ in 0..2 {
        store
            .write(id, |tx, &id| {
                async move { tx.conversations().add_unread(id, 2).await }.boxed()
            })
            .await
            .unwrap();
    }
    assert_eq!(counts().await, (4, 4));
    let clear = || {
        store.write(id, |tx, &id| {
            async move { tx.conversations().clear_unread(id).await }.boxed()
        })
    };
    assert!(clear().await.unwrap());
    assert_eq!(counts().await, (0, 0));
    assert!(!clear().await.unwrap(), "nothing was unread any more");
    store.close().await;
}
