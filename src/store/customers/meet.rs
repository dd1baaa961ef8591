//! Finding the customer whom WhatsApp means, by all the identities that it reports (rule 12).

use std::collections::BTreeSet;

use entity::customer_identity::Model;

use crate::domain::customer::{Customer, Identity, IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::ledger::{Claim, Owner, Plan, Verdict};
use crate::domain::merge::Merged;
use crate::domain::{CustomerId, display_name, ledger};
use crate::store::facet::Customers;
use crate::store::{StoreError, Tx};

use super::identities::{awaits_word, home, is, is_of_kind};

/// Report of WhatsApp about one person. The names are cleaned for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Distinct identities; the first is the one that names the chat.
    pub identities: Vec<Identity>,
    /// Name in the address book of the phone.
    pub saved_name: Option<String>,
    /// Name that the person has chosen.
    pub push_name: Option<String>,
    /// Source of the identities.
    pub source: IdentitySource,
}

impl Contact {
    /// Creates a report: removes double identities, and cleans the names for display.
    pub fn new(
        identities: &[Identity],
        saved_name: Option<&str>,
        push_name: Option<&str>,
        source: IdentitySource,
    ) -> Self {
        let mut distinct: Vec<Identity> = Vec::new();
        for identity in identities {
            if !distinct.contains(identity) {
                distinct.push(identity.clone());
            }
        }
        Self {
            identities: distinct,
            saved_name: saved_name.and_then(display_name::clean),
            push_name: push_name.and_then(display_name::clean),
            source,
        }
    }

    fn lid(&self) -> Option<&Identity> {
        self.identities
            .iter()
            .find(|identity| identity.kind == IdentityKind::Lid)
    }
}

/// Result of [`Customers::meet`].
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCustomer {
    /// The customer.
    pub customer: Customer,
    /// Whether the customer was created by this call.
    pub created: bool,
    /// Whether the name or the phone number changed.
    pub changed: bool,
    /// Customer to whom the reported identity belongs if no merge is counted; `None` when that is the customer itself.
    pub home: Option<CustomerId>,
    /// Customers who were merged into this one.
    pub merged: Vec<Merged>,
    /// Other customers who changed, because their number passed to this one.
    pub others: Vec<Customer>,
}

impl Customers<'_, Tx> {
    /// Finds the customer who is meant, or creates one. Adds identities that are new, moves those that passed from one
    /// person to another, and merges customers who turn out to be one person; the older customer stays. Fails with
    /// [`StoreError::Unstorable`] without any identity.
    pub async fn meet(&self, told: &Contact) -> Result<ResolvedCustomer, StoreError> {
        if told.identities.is_empty() {
            return Err(StoreError::Unstorable("a contact without any identity".to_owned()));
        }
        let mut known = self.0.identities().known(&told.identities).await?;
        let mut news = News::default();
        if is_settled(told, &known) {
            for row in &known {
                self.0.identities().mark_seen(row).await?;
            }
        } else {
            self.settle(told, &known, &mut news).await?;
            known = self.0.identities().known(&told.identities).await?;
        }
        if told.source == IdentitySource::WhatsApp && told.lid().is_some() {
            for row in known.iter().filter(|row| awaits_word(row)) {
                self.0.identities().confirm(row).await?;
            }
        }
        let row =
            meant(told, &known, &news).ok_or_else(|| StoreError::corrupt("customer_identities", "nobody has it"))?;
        let (id, home) = (row.customer_id, row.home_id);
        let unchanged = self.learn_names(home.unwrap_or(id), told).await?;
        if unchanged.is_none() {
            news.stale.insert(id);
        }
        let is_stale = news.stale.remove(&id);
        let mut others = Vec::new();
        // A customer who loses a number must lose it before another takes it: the column is unique.
        for other in std::mem::take(&mut news.stale) {
            others.extend(self.refresh(other).await?);
        }
        let changed = if is_stale { self.refresh(id).await? } else { None };
        let customer = match (&changed, unchanged) {
            (Some(customer), _) => customer.clone(),
            (None, Some(row)) if row.id == id => super::read(row)?,
            (None, _) => super::read(self.need(id).await?)?,
        };
        Ok(ResolvedCustomer {
            created: news.created == Some(id),
            changed: changed.is_some() && news.created != Some(id),
            customer,
            home,
            merged: news.merged,
            others,
        })
    }

    /// Brings the ledger up to date with the report.
    async fn settle(&self, told: &Contact, known: &[Model], news: &mut News) -> Result<(), StoreError> {
        let Plan { person, verdicts } = ledger::decide(&self.claims(told, known).await?);
        let person = match person {
            Some(id) => id,
            None => *news.created.insert(self.create(told).await?),
        };
        let belongs = belongs(told, known, person);
        let mut same = BTreeSet::new();
        for (identity, verdict) in told.identities.iter().zip(verdicts) {
            let row = known.iter().find(|row| is(row, identity));
            match (verdict, row) {
                (Verdict::Merge(other), Some(row)) => {
                    self.0.identities().mark_seen(row).await?;
                    same.insert(other);
                }
                (Verdict::Add | Verdict::Move, _) if self.has_given_up(told, identity, person).await? => {}
                (Verdict::Move, Some(row)) => {
                    self.0.identities().end(row).await?;
                    news.stale.insert(row.customer_id);
                    self.take(told, identity, person, belongs, news).await?;
                }
                (_, Some(row)) => self.0.identities().mark_seen(row).await?,
                (_, None) => self.take(told, identity, person, belongs, news).await?,
            }
        }
        self.join_all(told, person, same, news).await
    }

    /// Returns whether the person had this identity and has another of its kind now: after a change of number the chat
    /// still has the old number as its name.
    async fn has_given_up(&self, told: &Contact, identity: &Identity, person: CustomerId) -> Result<bool, StoreError> {
        let goes_by_it = told.identities.first() == Some(identity) && told.identities.len() > 1;
        if !goes_by_it
            || identity.kind == IdentityKind::Lid
            || self.0.identities().last_held(person, identity).await?.is_none()
        {
            return Ok(false);
        }
        let held = self.0.identities().held_by(&[person]).await?;
        Ok(held.iter().any(|row| is_of_kind(row, identity.kind)))
    }

    async fn take(
        &self,
        told: &Contact,
        identity: &Identity,
        person: CustomerId,
        belongs: CustomerId,
        news: &mut News,
    ) -> Result<(), StoreError> {
        self.0.identities().add(person, belongs, identity, told.source).await?;
        news.stale.insert(person);
        if told.lid().is_some() && identity.kind != IdentityKind::Lid {
            self.retire(told, identity, person, belongs).await?;
        }
        Ok(())
    }

    /// Ends the identities that `new` replaces: a LID has one phone number and one username at a time. Ends only those
    /// that were known to be of that LID: those that a merge brought may be of the person's other phone.
    async fn retire(
        &self,
        told: &Contact,
        new: &Identity,
        person: CustomerId,
        belongs: CustomerId,
    ) -> Result<(), StoreError> {
        let is_number = |identity: &str| new.kind != IdentityKind::Phone || identity.parse::<PhoneNumber>().is_ok();
        if !is_number(&new.value) {
            return Ok(());
        }
        for row in self.0.identities().held_by(&[person]).await? {
            let is_still_told = told.identities.iter().any(|told| is(&row, told));
            if is_of_kind(&row, new.kind) && home(&row) == belongs && is_number(&row.value) && !is_still_told {
                self.0.identities().end(&row).await?;
            }
        }
        Ok(())
    }

    /// Merges the customers who turned out to be one, unless a person has said that they are different.
    async fn join_all(
        &self,
        told: &Contact,
        person: CustomerId,
        same: BTreeSet<CustomerId>,
        news: &mut News,
    ) -> Result<(), StoreError> {
        let mut person = person;
        for other in same {
            if self.0.merges().are_kept_apart(person, other, &told.identities).await? {
                news.apart.insert(other);
                continue;
            }
            let (older, younger) = (person.min(other), person.max(other));
            news.merged.push(self.0.merges().merge(older, younger, None).await?);
            if news.stale.remove(&younger) {
                news.stale.insert(older);
            }
            person = older;
        }
        news.person = Some(person);
        Ok(())
    }

    async fn claims(&self, told: &Contact, known: &[Model]) -> Result<Vec<Claim>, StoreError> {
        let owners: Vec<CustomerId> = known.iter().map(|row| row.customer_id).collect();
        let lids: Vec<Model> = self
            .0
            .identities()
            .held_by(&owners)
            .await?
            .into_iter()
            .filter(|row| is_of_kind(row, IdentityKind::Lid))
            .collect();
        let owner = |row: &Model| Owner {
            customer: row.customer_id,
            // A person has said whose number this is, and WhatsApp tells its LID for the first time: the LID is theirs too.
            has_other_lid: !awaits_word(row)
                && lids
                    .iter()
                    .any(|lid| lid.customer_id == row.customer_id && !told.identities.iter().any(|told| is(lid, told))),
        };
        let claim = |identity: &Identity| Claim {
            kind: identity.kind,
            owner: known.iter().find(|row| is(row, identity)).map(owner),
        };
        Ok(told.identities.iter().map(claim).collect())
    }
}

/// Changes made by `settle`.
#[derive(Default)]
struct News {
    created: Option<CustomerId>,
    /// Customer whom the report is about.
    person: Option<CustomerId>,
    /// Customers who would have been merged if a person had not kept them apart.
    apart: BTreeSet<CustomerId>,
    /// Customers whose identities changed.
    stale: BTreeSet<CustomerId>,
    merged: Vec<Merged>,
}

/// Returns whether all identities are known and belong to one customer.
fn is_settled(told: &Contact, known: &[Model]) -> bool {
    told.identities.len() == known.len() && known.iter().all(|row| row.customer_id == known[0].customer_id)
}

/// Returns the row of the customer who is meant: the owner of the first identity, which names the chat. A number that
/// was given up and now belongs to another person is skipped, and the next identity decides.
fn meant<'a>(told: &Contact, known: &'a [Model], news: &News) -> Option<&'a Model> {
    let is_theirs = |row: &&Model| {
        news.person.is_none_or(|person| row.customer_id == person) || news.apart.contains(&row.customer_id)
    };
    let rows = told
        .identities
        .iter()
        .filter_map(|told| known.iter().find(|row| is(row, told)));
    let mut theirs = rows.filter(is_theirs);
    theirs.next()
}

/// Returns the merged customer to whom a new identity belongs: the one that has the LID, else the one that has the
/// first known identity.
fn belongs(told: &Contact, known: &[Model], person: CustomerId) -> CustomerId {
    let of_person = |told: &Identity| known.iter().find(|row| is(row, told) && row.customer_id == person);
    let first = || told.identities.iter().find_map(of_person);
    told.lid().and_then(of_person).or_else(first).map_or(person, home)
}
