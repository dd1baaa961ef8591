//! Finding the customer whom WhatsApp means, by all that it tells of them (rule 12).

use std::collections::BTreeSet;

use entity::customer_identity::Model;

use crate::domain::CustomerId;
use crate::domain::customer::{Customer, Identity, IdentityKind, IdentitySource, PhoneNumber, display_name, ledger};
use crate::domain::ledger::{Claim, Owner, Plan, Verdict};
use crate::domain::merge::Merged;
use crate::store::facet::Customers;
use crate::store::{StoreError, Tx};

use super::identities::{home, is, is_of_kind};

/// What is told of one person. Names are made fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The first is the one that their chat goes by.
    pub identities: Vec<Identity>,
    pub saved_name: Option<String>,
    pub push_name: Option<String>,
    pub source: IdentitySource,
}

impl Told {
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

/// What [`Tx::meet_customer`] found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCustomer {
    pub customer: Customer,
    pub created: bool,
    /// Name or number are other than before.
    pub changed: bool,
    /// To whom what is told belongs without any merge; none: to the customer themself.
    pub home: Option<CustomerId>,
    /// Customers who turned out to be this one.
    pub merged: Vec<Merged>,
    /// Others of whom something is other than before: their number has passed on.
    pub others: Vec<Customer>,
}

impl Customers<'_, Tx> {
    /// The customer who is told of, made when there is none. Identities not yet known are added; those that have passed from
    /// one person to another follow; customers who turn out to be one are made one, the older stays.
    pub async fn meet(&self, told: &Told) -> Result<ResolvedCustomer, StoreError> {
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
        let row =
            meant(told, &known, &news).ok_or_else(|| StoreError::corrupt("customer_identities", "nobody has it"))?;
        let (id, home) = (row.customer_id, row.home_id);
        if self.learn_names(home.unwrap_or(id), told).await? {
            news.stale.insert(id);
        }
        let is_stale = news.stale.remove(&id);
        let mut others = Vec::new();
        // Whoever loses a number does so before somebody else takes it.
        for other in std::mem::take(&mut news.stale) {
            others.extend(self.refresh(other).await?);
        }
        let changed = if is_stale { self.refresh(id).await? } else { None };
        let customer = match &changed {
            Some(customer) => customer.clone(),
            None => super::read(self.need(id).await?)?,
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

    /// Brings the ledger to what is told.
    async fn settle(&self, told: &Told, known: &[Model], news: &mut News) -> Result<(), StoreError> {
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

    /// Whether it was the person's before they had another one: the chat of a number that was changed still goes by it.
    async fn has_given_up(&self, told: &Told, identity: &Identity, person: CustomerId) -> Result<bool, StoreError> {
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
        told: &Told,
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

    /// Ends what a new number, or a new username, stands in the place of: a LID has one of each at a time. Only what was known to
    /// be that LID's: what came to the customer by a merge may be their other phone's.
    async fn retire(
        &self,
        told: &Told,
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

    /// Makes one of those who turned out to be, unless a person has said that they are two.
    async fn join_all(
        &self,
        told: &Told,
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

    async fn claims(&self, told: &Told, known: &[Model]) -> Result<Vec<Claim>, StoreError> {
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
            has_other_lid: lids
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

/// What settling has changed.
#[derive(Default)]
struct News {
    created: Option<CustomerId>,
    /// Who is told of.
    person: Option<CustomerId>,
    /// Who would be the same person, had nobody said otherwise.
    apart: BTreeSet<CustomerId>,
    /// Whose identities are other than before.
    stale: BTreeSet<CustomerId>,
    merged: Vec<Merged>,
}

/// Whether all of it is known, and of one customer.
fn is_settled(told: &Told, known: &[Model]) -> bool {
    told.identities.len() == known.len() && known.iter().all(|row| row.customer_id == known[0].customer_id)
}

/// Who is meant: whoever has the first, which is the one that the chat goes by. A number that was given up and passed on is
/// none of the person's: then whoever has the next.
fn meant<'a>(told: &Told, known: &'a [Model], news: &News) -> Option<&'a Model> {
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

/// To which of those merged into a person something new belongs: to where the LID does, else to where the first known does.
fn belongs(told: &Told, known: &[Model], person: CustomerId) -> CustomerId {
    let of_person = |told: &Identity| known.iter().find(|row| is(row, told) && row.customer_id == person);
    let first = || told.identities.iter().find_map(of_person);
    told.lid().and_then(of_person).or_else(first).map_or(person, home)
}
