//! Customers who turn out to be one, and two after all: nothing is lost, and nothing is moved wrongly.

use std::time::Duration;

use crm::domain::conversation::{ChatKind, Conversation};
use crm::domain::customer::{Customer, Identity, IdentityKind, IdentitySource};
use crm::domain::message::{Direction, Kind, Message, MessageState};
use crm::domain::outbox::MatrixWork;
use crm::domain::{AccountId, ChatId, CustomerId, MergeId, WaMessageId};
use crm::store::{
    Busy, Contact, ConversationFilter, CustomerFilter, Inserted, MessageFilter, NewMessage, NewWork, PageRequest,
    ResolvedCustomer, Store, StoreError,
};
use futures_util::{FutureExt, TryStreamExt};

use crate::store::database::databases::{BEGIN, Database, on_each_database};
use crate::store::desk;

on_each_database! {
    merged_customers_have_one_conversation,
    undone_merge_returns_old_and_new_messages,
    merges_are_undone_in_any_order,
    duplicate_message_is_one_while_merged,
    hidden_duplicate_returns_after_later_merge,
    returned_conversation_leaves_later_merges,
    merge_keeps_conversation_of_other_account,
    number_passed_to_other_person_merges_nobody,
    changed_number_is_followed,
    unmerged_customers_stay_apart_until_news,
    outbox_work_follows_merged_message,
    customer_name_comes_from_best_source,
}

pub fn phone(n: i64) -> Identity {
    Identity {
        kind: IdentityKind::Phone,
        value: format!("+44770090{n:04}"),
    }
}

pub fn lid(n: i64) -> Identity {
    Identity::lid(&format!("99{n}"))
}

/// As the page tells of a message: who wrote it, in the chat that goes by their first identity.
pub async fn hear(store: &Store, account: AccountId, told: &[Identity], stanza: &str) -> (ResolvedCustomer, Inserted) {
    let (told, stanza) = (told.to_vec(), stanza.to_owned());
    store
        .write((told, stanza, account), |tx, (told, stanza, account)| {
            async move {
                let person = Contact::new(told, None, None, IdentitySource::WhatsApp);
                let met = tx.customers().meet(&person).await?;
                let chat = ChatId(format!("{}@chat", told[0].value));
                let (id, kind) = (Some(met.customer.id), ChatKind::Direct);
                let conversation = tx
                    .conversations()
                    .resolve(*account, id, Some(&chat), kind, &met.customer.name)
                    .await?
                    .conversation;
                let state = MessageState::Received;
                let mut new = NewMessage::of(&conversation, Direction::Inbound, Kind::Text, stanza, BEGIN, state);
                new.whatsapp_id = Some(WaMessageId(stanza.clone()));
                new.chat = Some(chat);
                new.home = met.home;
                let inserted = tx.messages().insert(new).await?;
                if let Inserted::New(message) = &inserted {
                    tx.conversations()
                        .touch(conversation.id, message.id, message.timestamp)
                        .await?;
                    tx.conversations().add_unread(conversation.id, 1).await?;
                }
                Ok::<_, StoreError>((met, inserted))
            }
            .boxed()
        })
        .await
        .unwrap()
}

pub async fn merge(store: &Store, id: CustomerId, other: CustomerId) -> MergeId {
    store
        .write((id, other), |tx, &(id, other)| {
            async move { Ok::<_, StoreError>(tx.merges().merge(id, other, Some("grace")).await?.merge_id) }.boxed()
        })
        .await
        .unwrap()
}

pub async fn undo(store: &Store, id: MergeId) {
    store
        .write(id, |tx, &id| {
            async move { tx.merges().undo(id, "grace").await.map(|_| ()) }.boxed()
        })
        .await
        .unwrap();
}

async fn whose(store: &Store, identity: &Identity) -> Customer {
    store.customers().by_identity(identity).await.unwrap().unwrap()
}

/// What is in a customer's conversation, in its order.
async fn texts(store: &Store, account: AccountId, customer: CustomerId) -> Vec<String> {
    let Some(conversation) = store.conversations().of_customer(account, customer).await.unwrap() else {
        return vec![];
    };
    let page = store
        .messages()
        .page(conversation.id, PageRequest::first(100))
        .await
        .unwrap();
    assert!(page.data.iter().all(|message| message.customer_id == Some(customer)));
    page.data.into_iter().map(|message| message.content).collect()
}

async fn conversations(store: &Store) -> Vec<Conversation> {
    let all = store
        .conversations()
        .page(PageRequest::first(100), ConversationFilter::default())
        .await;
    all.unwrap().data
}

async fn customers(store: &Store) -> Vec<Customer> {
    store
        .customers()
        .page(PageRequest::first(100), &CustomerFilter::default())
        .await
        .unwrap()
        .data
}

async fn merged_customers_have_one_conversation(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let user = Identity::username("ada");
    hear(&store, account, &[lid(1)], "by lid").await;
    hear(&store, account, &[phone(1)], "by number").await;
    hear(&store, account, std::slice::from_ref(&user), "by username").await;
    assert_eq!(customers(&store).await.len(), 3, "nobody has told that they are one");
    let (met, _) = hear(&store, account, &[lid(1), phone(1)], "together").await;
    assert_eq!(
        (met.merged.len(), met.customer.id),
        (1, CustomerId(1)),
        "the oldest goes on"
    );
    assert!(met.merged[0].automatic);
    let (met, _) = hear(&store, account, &[lid(1), phone(1), user.clone()], "all").await;
    assert_eq!(met.merged.len(), 1);
    for identity in [&lid(1), &phone(1), &user] {
        assert_eq!(whose(&store, identity).await.id, CustomerId(1));
    }
    let ada = customers(&store).await;
    assert_eq!(ada.len(), 1);
    assert_eq!(ada[0].phone.as_ref().unwrap().as_str(), "+447700900001");
    assert_eq!(ada[0].unread_count, 5);
    let all = conversations(&store).await;
    assert_eq!((all.len(), all[0].unread_count), (1, 5));
    assert_eq!(
        texts(&store, account, CustomerId(1)).await,
        ["by lid", "by number", "by username", "together", "all"]
    );
    assert_eq!(
        all[0].chat_id,
        Some(ChatId::from("991@chat")),
        "the chat that was heard last"
    );
    let gone = store.customers().get(CustomerId(2)).await.unwrap().unwrap();
    assert_eq!((gone.merged_into, gone.phone), (Some(CustomerId(1)), None));
    assert_eq!(
        store.customers().current(CustomerId(3)).await.unwrap().unwrap().id,
        CustomerId(1)
    );
    store.close().await;
}

async fn undone_merge_returns_old_and_new_messages(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let (a, b) = (lid(1), phone(1));
    let told = |of: &Identity| vec![of.clone()];
    let (one, _) = hear(&store, account, &told(&a), "a1").await;
    let (two, _) = hear(&store, account, &told(&b), "b1").await;
    let (one, two) = (one.customer.id, two.customer.id);
    for round in 2..5 {
        let merge = merge(&store, one, two).await;
        hear(&store, account, &told(&b), &format!("b{round}")).await;
        hear(&store, account, &told(&a), &format!("a{round}")).await;
        assert_eq!(texts(&store, account, one).await.len(), 2 * round);
        undo(&store, merge).await;
        let of = |name: &str| (1..=round).map(|n| format!("{name}{n}")).collect::<Vec<_>>();
        assert_eq!(texts(&store, account, one).await, of("a"));
        assert_eq!(texts(&store, account, two).await, of("b"));
        let unread: Vec<i64> = customers(&store).await.iter().map(|one| one.unread_count).collect();
        let round = i64::try_from(round).unwrap();
        assert_eq!(unread, [round, round], "what nobody has read goes home, too");
        let chats: Vec<_> = conversations(&store)
            .await
            .into_iter()
            .map(|one| one.chat_id.unwrap().0)
            .collect();
        assert!(chats.contains(&"991@chat".to_owned()) && chats.contains(&"+447700900001@chat".to_owned()));
        assert_eq!(whose(&store, &b).await.id, two);
        assert_eq!(whose(&store, &b).await.phone.unwrap().as_str(), b.value);
        assert_eq!(whose(&store, &a).await.phone, None);
    }
    let record = store.merges().of_customer(one).await.unwrap();
    assert_eq!(record.len(), 3);
    assert!(
        record
            .iter()
            .all(|merge| merge.undone_by.as_deref() == Some("grace") && !merge.automatic)
    );
    store.close().await;
}

async fn merges_are_undone_in_any_order(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let mut ids = vec![];
    for n in 1..=3 {
        ids.push(hear(&store, account, &[lid(n)], &format!("{n}")).await.0.customer.id);
    }
    let (a, b, c) = (ids[0], ids[1], ids[2]);
    let first = merge(&store, a, b).await;
    let second = merge(&store, c, a).await;
    assert_eq!(texts(&store, account, c).await, ["1", "2", "3"]);
    hear(&store, account, &[lid(2)], "22").await;
    // The inner one first: who was merged into somebody who was merged.
    undo(&store, first).await;
    assert_eq!(texts(&store, account, b).await, ["2", "22"]);
    assert_eq!(texts(&store, account, c).await, ["1", "3"]);
    undo(&store, second).await;
    assert_eq!(texts(&store, account, a).await, ["1"]);
    assert_eq!(texts(&store, account, c).await, ["3"]);
    assert_eq!(customers(&store).await.len(), 3);
    // And the other way round, in the other direction.
    merge(&store, b, a).await;
    merge(&store, b, c).await;
    assert_eq!(texts(&store, account, b).await, ["1", "2", "3", "22"]);
    store.close().await;
}

async fn duplicate_message_is_one_while_merged(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let one = hear(&store, account, &[lid(1)], "same").await.0.customer.id;
    let two = hear(&store, account, &[phone(1)], "same").await.0.customer.id;
    hear(&store, account, &[phone(1)], "own").await;
    let merge = merge(&store, one, two).await;
    assert_eq!(texts(&store, account, one).await, ["same", "own"]);
    let (_, again) = hear(&store, account, &[phone(1)], "same").await;
    assert!(matches!(again, Inserted::Existing(_)), "{again:?}");
    let exported: Vec<Message> = store
        .messages()
        .stream(MessageFilter::default())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(exported.len(), 2, "shown once everywhere");
    undo(&store, merge).await;
    assert_eq!(texts(&store, account, one).await, ["same"]);
    assert_eq!(texts(&store, account, two).await, ["same", "own"]);
    store.close().await;
}

async fn hidden_duplicate_returns_after_later_merge(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let one = hear(&store, account, &[lid(1)], "same").await.0.customer.id;
    let two = hear(&store, account, &[phone(1)], "same").await.0.customer.id;
    let three = hear(&store, account, &[lid(2)], "other").await.0.customer.id;
    // What `one` was told comes to `three`, and stays behind there, `two` having it too.
    let inner = merge(&store, three, one).await;
    let outer = merge(&store, two, three).await;
    assert_eq!(texts(&store, account, two).await, ["same", "other"]);
    undo(&store, inner).await;
    assert_eq!(texts(&store, account, one).await, ["same"]);
    assert_eq!(texts(&store, account, two).await, ["same", "other"]);
    undo(&store, outer).await;
    assert_eq!(texts(&store, account, two).await, ["same"]);
    assert_eq!(texts(&store, account, three).await, ["other"]);
    store.close().await;
}

/// A conversation that goes back whole leaves behind what was merged into it since.
async fn returned_conversation_leaves_later_merges(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let other = store.write((), |tx, ()| {
        async move { Ok::<_, StoreError>(tx.accounts().create("other").await?.id) }.boxed()
    });
    let other = other.await.unwrap();
    let one = hear(&store, account, &[lid(1)], "1").await.0.customer.id;
    let two = hear(&store, account, &[lid(2)], "2").await.0.customer.id;
    let three = hear(&store, other, &[lid(3)], "3").await.0.customer.id;
    let four = hear(&store, account, &[lid(4)], "4").await.0.customer.id;
    // `three` has none in this account: that of `one` is theirs as a whole, and that of `two` ends in it.
    let whole = merge(&store, three, one).await;
    let joined = merge(&store, three, two).await;
    let outer = merge(&store, four, three).await;
    undo(&store, whole).await;
    assert_eq!(texts(&store, account, one).await, ["1"]);
    assert_eq!(texts(&store, account, four).await, ["2", "4"]);
    undo(&store, joined).await;
    assert_eq!(texts(&store, account, two).await, ["2"]);
    undo(&store, outer).await;
    assert_eq!(texts(&store, account, four).await, ["4"]);
    assert_eq!(texts(&store, other, three).await, ["3"]);
    store.close().await;
}

async fn merge_keeps_conversation_of_other_account(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let other = store
        .write((), |tx, ()| {
            async move { Ok::<_, StoreError>(tx.accounts().create("other").await?.id) }.boxed()
        })
        .await
        .unwrap();
    let one = hear(&store, account, &[lid(1)], "here").await.0.customer.id;
    let two = hear(&store, other, &[phone(1)], "there").await.0.customer.id;
    let before = store.conversations().of_customer(other, two).await.unwrap().unwrap().id;
    let merge = merge(&store, one, two).await;
    assert_eq!(
        store.conversations().of_customer(other, one).await.unwrap().unwrap().id,
        before
    );
    hear(&store, other, &[lid(1)], "there, by lid").await;
    assert_eq!(texts(&store, other, one).await, ["there", "there, by lid"]);
    undo(&store, merge).await;
    assert_eq!(
        store.conversations().of_customer(other, two).await.unwrap().unwrap().id,
        before
    );
    assert_eq!(texts(&store, other, two).await, ["there"]);
    assert_eq!(texts(&store, other, one).await, ["there, by lid"]);
    assert_eq!(texts(&store, account, one).await, ["here"]);
    store.close().await;
}

async fn number_passed_to_other_person_merges_nobody(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let former = hear(&store, account, &[lid(1), phone(1)], "former").await.0.customer.id;
    let (met, _) = hear(&store, account, &[phone(1), lid(2)], "new owner").await;
    assert!(met.created && met.merged.is_empty());
    assert_eq!(met.others.len(), 1, "the former owner has no number any more");
    assert_eq!(whose(&store, &phone(1)).await.id, met.customer.id);
    assert_eq!(store.customers().get(former).await.unwrap().unwrap().phone, None);
    assert_eq!(texts(&store, account, former).await, ["former"]);
    let past = store.identities().dated(former).await.unwrap();
    let number = past.iter().find(|one| one.identity == phone(1)).unwrap();
    assert!(!number.current, "that it was theirs is not forgotten");
    store.close().await;
}

async fn changed_number_is_followed(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let shown = async || customers(&store).await[0].phone.as_ref().unwrap().as_str().to_owned();
    hear(&store, account, &[lid(1), phone(1)], "1").await;
    let (met, _) = hear(&store, account, &[lid(1), phone(2)], "2").await;
    assert!(met.changed);
    assert_eq!(shown().await, phone(2).value);
    assert_eq!(
        store.identities().of_customer(met.customer.id).await.unwrap(),
        [lid(1), phone(2)]
    );
    // The old chat goes by the old number for ever.
    let (met, _) = hear(&store, account, &[phone(1), lid(1)], "3").await;
    assert!(!met.changed && !met.created);
    assert_eq!(shown().await, phone(2).value);
    // Whoever writes from it without any LID is nobody whom we know.
    database.clock.advance(Duration::from_hours(24 * 90));
    assert!(hear(&store, account, &[phone(1)], "4").await.0.created);
    assert_eq!(texts(&store, account, CustomerId(1)).await, ["1", "2", "3"]);
    store.close().await;
}

/// A person has decided that the two are two customers.
async fn unmerged_customers_stay_apart_until_news(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    hear(&store, account, &[lid(1)], "a").await;
    hear(&store, account, &[phone(1)], "b").await;
    let (met, _) = hear(&store, account, &[lid(1), phone(1)], "together").await;
    undo(&store, met.merged[0].merge_id).await;
    for told in [vec![lid(1), phone(1)], vec![phone(1), lid(1)]] {
        let whose_chat = whose(&store, &told[0]).await.id;
        let (met, _) = hear(&store, account, &told, &format!("again by {:?}", told[0].kind)).await;
        assert!(met.merged.is_empty() && !met.created);
        assert_eq!(met.customer.id, whose_chat, "it is of whom the chat goes by");
    }
    // A username alone says nothing of the two; told with the number and without what is known it does.
    let user = Identity::username("ada");
    let (met, _) = hear(&store, account, &[lid(1), phone(1), user.clone()], "user").await;
    assert!(met.merged.is_empty());
    let (met, _) = hear(&store, account, &[phone(1), user], "news").await;
    assert_eq!(met.merged.len(), 1);
    undo(&store, met.merged[0].merge_id).await;
    let all = customers(&store).await;
    merge(&store, all[0].id, all[1].id).await;
    assert_eq!(customers(&store).await.len(), 1, "a person's word ends a person's word");
    store.close().await;
}

async fn outbox_work_follows_merged_message(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    let one = hear(&store, account, &[lid(1)], "a").await.0.customer.id;
    let (two, told) = hear(&store, account, &[phone(1)], "b").await;
    let two = two.customer.id;
    let message = desk::new(told);
    store
        .write(message.clone(), |tx, show| {
            let work = NewWork::for_message(show, MatrixWork::ShowMessage { message: show.id });
            async move { tx.outbox().enqueue(work).await }.boxed()
        })
        .await
        .unwrap();
    let lane = async || {
        let ready = store
            .outbox()
            .ready::<MatrixWork>(None, BEGIN, 10, &Busy::default())
            .await
            .unwrap();
        assert_eq!(ready.len(), 1);
        ready[0].lane.unwrap()
    };
    let merge = merge(&store, one, two).await;
    assert_eq!(
        lane().await,
        store
            .conversations()
            .of_customer(account, one)
            .await
            .unwrap()
            .unwrap()
            .id
    );
    assert_eq!(
        store
            .conversations()
            .live(message.conversation_id)
            .await
            .unwrap()
            .unwrap()
            .id,
        lane().await
    );
    undo(&store, merge).await;
    assert_eq!(lane().await, message.conversation_id);
    store.close().await;
}

async fn customer_name_comes_from_best_source(database: Database) {
    let store = database.open().await;
    let meet = async |of: Identity, saved: Option<&str>, push: Option<&str>| {
        let told = Contact::new(&[of], saved, push, IdentitySource::WhatsApp);
        let met = store.write(told, |tx, told| async move { tx.customers().meet(told).await }.boxed());
        let met = met.await.unwrap();
        (
            format!("{} {}", met.customer.name_source, met.customer.name),
            met.changed,
        )
    };
    assert_eq!(meet(lid(1), None, None).await.0, "number WhatsApp 991");
    assert_eq!(
        meet(lid(1), None, Some("\u{202e}ada\n")).await,
        ("push ada".into(), true)
    );
    assert_eq!(meet(lid(1), None, Some("ada")).await, ("push ada".into(), false));
    assert_eq!(
        meet(lid(1), Some("Ada L."), Some("ada")).await,
        ("saved Ada L.".into(), true)
    );
    assert_eq!(
        meet(lid(1), None, Some("the countess")).await,
        ("saved Ada L.".into(), false)
    );
    assert_eq!(meet(phone(1), None, None).await.0, "number +447700900001");
    let merge = merge(&store, CustomerId(2), CustomerId(1)).await;
    let name = async |id| store.customers().get(id).await.unwrap().unwrap().name;
    assert_eq!(
        name(CustomerId(2)).await,
        "Ada L.",
        "whoever goes on has the best of both"
    );
    undo(&store, merge).await;
    assert_eq!(name(CustomerId(2)).await, "+447700900001");
    assert_eq!(name(CustomerId(1)).await, "Ada L.");
    store.close().await;
}
