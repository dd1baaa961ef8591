//! Whatever is told, merged and undone in whatever order: every message is with the customer whose identity wrote it.

use std::collections::{BTreeMap, BTreeSet};

use crm::domain::customer::Identity;
use crm::domain::{AccountId, CustomerId, MergeId};
use crm::store::{ConversationFilter, CustomerFilter, Inserted, PageRequest, Store, StoreError};
use futures_util::FutureExt;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::merges::{hear, lid, phone, undo};
use crate::store::database::databases::{Database, Kind};
use crate::store::desk;

/// People, each with a LID and a number.
const PEOPLE: i64 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Somebody writes, by one of their identities or both, the first being their chat's.
    Hear { person: i64, told: Contact, account: usize },
    /// The last message once more, in the same person's other chat.
    Again,
    /// A person merges two of the customers that there are.
    Merge(usize, usize),
    /// Undoes one of the merges that hold.
    Undo(usize),
}

#[derive(Clone, Copy, Debug)]
enum Contact {
    Lid,
    Phone,
    LidAndPhone,
    PhoneAndLid,
}

impl Contact {
    fn identities(self, person: i64) -> Vec<Identity> {
        match self {
            Self::Lid => vec![lid(person)],
            Self::Phone => vec![phone(person)],
            Self::LidAndPhone => vec![lid(person), phone(person)],
            Self::PhoneAndLid => vec![phone(person), lid(person)],
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let told = prop_oneof![
        3 => Just(Contact::Lid),
        3 => Just(Contact::Phone),
        1 => Just(Contact::LidAndPhone),
        1 => Just(Contact::PhoneAndLid),
    ];
    let step = prop_oneof![
        6 => (0..PEOPLE, told, 0..2_usize).prop_map(|(person, told, account)| Step::Hear { person, told, account }),
        1 => Just(Step::Again),
        2 => (0..8_usize, 0..8_usize).prop_map(|(a, b)| Step::Merge(a, b)),
        2 => (0..8_usize).prop_map(Step::Undo),
    ];
    prop::collection::vec(step, 1..30)
}

/// What was told, and is to be found again.
#[derive(Default)]
struct Ledger {
    accounts: Vec<AccountId>,
    /// Each message that was stored, and whose it would be without any merge.
    written: Vec<(String, CustomerId)>,
    last: Option<(i64, AccountId, String)>,
    holds: Vec<MergeId>,
}

impl Ledger {
    async fn play(&mut self, store: &Store, step: Step) {
        match step {
            Step::Hear { person, told, account } => {
                let (account, stanza) = (self.accounts[account], format!("S{}", self.written.len()));
                self.hear(store, account, &told.identities(person), &stanza).await;
                self.last = Some((person, account, stanza));
            }
            Step::Again => {
                if let Some((person, account, stanza)) = self.last.clone() {
                    self.hear(store, account, &[lid(person)], &stanza).await;
                    self.hear(store, account, &[phone(person)], &stanza).await;
                }
            }
            Step::Merge(a, b) => {
                let customers = customers(store).await;
                let pick = |n: usize| customers.get(n % customers.len().max(1)).copied();
                if let (Some(a), Some(b)) = (pick(a), pick(b))
                    && a != b
                {
                    let merge = store.write((a, b), |tx, &(a, b)| {
                        async move { Ok::<_, StoreError>(tx.merges().merge(a, b, Some("grace")).await?.merge_id) }
                            .boxed()
                    });
                    self.holds.push(merge.await.unwrap());
                }
            }
            Step::Undo(n) => {
                if !self.holds.is_empty() {
                    let merge = self.holds.swap_remove(n % self.holds.len());
                    undo(store, merge).await;
                }
            }
        }
    }

    async fn hear(&mut self, store: &Store, account: AccountId, told: &[Identity], stanza: &str) {
        let (met, inserted) = hear(store, account, told, stanza).await;
        self.holds.extend(met.merged.iter().map(|merged| merged.merge_id));
        let holder = store.customers().by_identity(&told[0]).await.unwrap();
        let holder = holder.expect("whoever the chat goes by is known");
        assert_eq!(holder.id, met.customer.id, "the message is of whom its chat goes by");
        if let Inserted::New(_) = inserted {
            self.written
                .push((stanza.to_owned(), met.home.unwrap_or(met.customer.id)));
        }
    }

    async fn check(&self, store: &Store) {
        let mut expected: BTreeMap<CustomerId, BTreeSet<String>> = BTreeMap::new();
        for (stanza, home) in &self.written {
            let customer = store.customers().current(*home).await.unwrap().unwrap();
            expected.entry(customer.id).or_default().insert(stanza.clone());
        }
        let all = store
            .conversations()
            .page(PageRequest::first(100), ConversationFilter::default())
            .await;
        let mut found: BTreeMap<CustomerId, BTreeSet<String>> = BTreeMap::new();
        for conversation in all.unwrap().data {
            let page = store
                .messages()
                .page(conversation.id, PageRequest::first(500))
                .await
                .unwrap();
            let customer = conversation.customer_id.unwrap();
            assert_eq!(
                page.data.last().map(|message| message.id),
                conversation.last_message_id,
                "the last message is the last"
            );
            for message in page.data {
                assert_eq!(message.customer_id, Some(customer));
                let stanza = message.whatsapp_id.unwrap().0;
                assert!(found.entry(customer).or_default().insert(stanza), "shown once");
            }
        }
        assert_eq!(found, expected);
        for id in customers(store).await {
            let customer = store.customers().get(id).await.unwrap().unwrap();
            let held = store.identities().of_customer(id).await.unwrap();
            let number = customer.phone.map(|phone| phone.as_str().to_owned());
            assert!(number.is_none_or(|number| held.iter().any(|one| one.value == number)));
        }
    }
}

async fn customers(store: &Store) -> Vec<CustomerId> {
    let page = store
        .customers()
        .page(PageRequest::first(100), &CustomerFilter::default())
        .await
        .unwrap();
    page.data.into_iter().map(|customer| customer.id).collect()
}

/// The same few by default, so that a run says something of the change at hand; as many others as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    let (cases, rng_seed) = match wanted {
        Some(wanted) => (wanted.parse().expect("PROPTEST_CASES is a count"), RngSeed::Random),
        None => (16, RngSeed::Fixed(1)),
    };
    ProptestConfig {
        cases,
        rng_seed,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn message_stays_with_identity_that_wrote_it(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let database = Database::new(Kind::Sqlite).await;
            let store = database.open().await;
            let other = store.write((), |tx, ()| async move { Ok::<_, StoreError>(tx.accounts().create("other").await?.id) }.boxed());
            let accounts = vec![desk::account(&store).await, other.await.unwrap()];
            let mut ledger = Ledger { accounts, ..Ledger::default() };
            for step in steps {
                let moves = matches!(step, Step::Merge(..) | Step::Undo(_));
                ledger.play(&store, step).await;
                if moves {
                    ledger.check(&store).await;
                }
            }
            ledger.check(&store).await;
            for merge in std::mem::take(&mut ledger.holds).into_iter().rev() {
                undo(&store, merge).await;
                ledger.check(&store).await;
            }
            store.close().await;
        });
    }
}
