//! Changes of customers by people: names and other fields, merges, and undone merges.

use futures_util::FutureExt;
use serde_json::json;

use crate::bridge::core::command::{Answered, Idempotency, check_key};
use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts, people};
use crate::bridge::inbound::later;
use crate::contract::{CustomerView, hide_numbers};
use crate::domain::customer::{Customer, Identity, IdentitySource, PhoneNumber};
use crate::domain::merge::Merge;
use crate::domain::rights::Sight;
use crate::domain::whatsapp::WaContact;
use crate::domain::{CustomerId, MergeId, display_name, revision};
use crate::store::{CustomerChange, StoreError, Tx};

use super::handle::Desk;
use super::{attributes, idempotency};

/// Change of a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerEdit {
    /// The fields to change.
    pub change: CustomerChange,
    /// The customer as the caller has seen them; refused if they differ now. `None`: not checked.
    pub expected: Option<SeenCustomer>,
    /// Sight of the caller, who learns nothing of customers whom it has not.
    pub sight: Sight,
}

/// A customer as a caller has seen them.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenCustomer {
    /// Their revision.
    pub revision: String,
    /// Sight of the caller, for which the revision is.
    pub sight: Sight,
}

impl SeenCustomer {
    /// Fails if the customer differs now.
    pub(super) fn check(&self, customer: &Customer) -> Result<(), Refusal> {
        let changed = revision::differences(&self.revision, customer, &self.sight);
        if changed.is_empty() {
            return Ok(());
        }
        Err(Refusal::Changed(format!(
            "customer {} has changed since you looked at it: {}; load it again, then repeat your change",
            customer.id,
            changed.join(", ")
        )))
    }
}

/// Customer to be created before they have written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCustomer {
    /// Their number.
    pub phone: PhoneNumber,
    /// Further fields.
    pub change: CustomerChange,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

impl Desk {
    /// Creates a customer. Refused if somebody has the number already.
    pub async fn create_customer(&self, new: NewCustomer) -> Result<Answered<Customer>, Refusal> {
        check_key(new.idempotency.as_ref())?;
        self.core
            .write_with(new, |tx, core, new| {
                async move { create(tx, &core.policy, new).await }.boxed()
            })
            .await
    }

    /// Changes a customer. Returns the customer as stored afterwards.
    pub async fn edit_customer(&self, id: CustomerId, edit: CustomerEdit) -> Result<Customer, Refusal> {
        self.core
            .write((id, edit), |tx, (id, edit)| {
                async move { change(tx, *id, edit).await }.boxed()
            })
            .await
    }

    /// Merges customer `with` into `id`, which remains. A repeat returns the same merge. `by`: the person that asks.
    pub async fn merge_customers(&self, id: CustomerId, with: CustomerId, by: &str) -> Result<Merge, Refusal> {
        let input = (id, with, by.to_owned());
        self.core
            .write_with(input, |tx, core, (id, with, by)| {
                async move { merge(tx, &core.policy, *id, *with, by).await }.boxed()
            })
            .await
    }

    /// Undoes a merge. A repeat returns the same merge. `by`: the person that asks.
    pub async fn undo_merge(&self, id: MergeId, by: &str) -> Result<Merge, Refusal> {
        self.core
            .write_with((id, by.to_owned()), |tx, core, (id, by)| {
                async move { undo(tx, core, *id, by).await }.boxed()
            })
            .await
    }
}

async fn create(tx: &mut Tx, policy: &Policy, new: &NewCustomer) -> Result<Answered<Customer>, Refusal> {
    let asked = new.idempotency.as_ref();
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    let identity = Identity::phone(&new.phone);
    if let Some(known) = tx.customers().by_identity(&identity).await? {
        return Err(Refusal::Conflict(format!(
            "customer {} has this number already; change them with `crm customer edit {}`",
            known.id, known.id
        )));
    }
    let contact = WaContact {
        identities: vec![identity],
        ..WaContact::default()
    };
    let met = people::meet(tx, policy, &contact, IdentitySource::Set).await?.customer;
    let edit = CustomerEdit {
        change: new.change.clone(),
        ..CustomerEdit::default()
    };
    let customer = change(tx, met.id, &edit).await?;
    idempotency::store(tx, asked, CREATED, &CustomerView::from(&customer), None).await?;
    Ok(Answered::New(customer))
}

/// Changes a customer in the caller's transaction, as [`Desk::edit_customer`] does.
pub(crate) async fn change(tx: &mut Tx, id: CustomerId, edit: &CustomerEdit) -> Result<Customer, Refusal> {
    let customer = current(tx, id).await?;
    if let Some(seen) = &edit.expected {
        seen.check(&customer)?;
    }
    check_number(tx, &customer, edit).await?;
    let mut change = edit.change.clone();
    if edit.sight.hides_numbers() {
        keep_hidden(&customer, &mut change);
    }
    if let Some(Some(name)) = &mut change.name {
        *name = display_name::clean(name).ok_or(Refusal::EmptyName)?;
    }
    if let Some(after) = &change.attributes {
        attributes::check_values(tx, &customer.attributes, after).await?;
    }
    match tx.customers().update(customer.id, &change).await {
        Ok(Some(changed)) => {
            people::tell_changed(tx, &changed).await?;
            Ok(changed)
        }
        Ok(None) => Ok(customer),
        Err(StoreError::Conflict(why)) => Err(Refusal::Conflict(why)),
        Err(error) => Err(error.into()),
    }
}

/// Takes out of a change by somebody who sees no numbers all that they left as it was shown to them: it stays as it is stored.
fn keep_hidden(customer: &Customer, change: &mut CustomerChange) {
    let mut shown = json!(CustomerView::from(customer));
    hide_numbers(&mut shown);
    let is_left = |field: &str, given: &str, stored: &str| given != stored && shown[field] == given;
    change.name.take_if(|name| {
        name.as_deref()
            .is_some_and(|name| is_left("name", name, &customer.name))
    });
    change
        .status
        .take_if(|status| is_left("status", status, &customer.status));
    if let Some(after) = change.attributes.take() {
        let known = customer.known_numbers();
        change.attributes = Some(match shown["attributes"].as_object() {
            Some(shown) => known.restored(after, &customer.attributes, shown),
            None => after,
        });
    }
}

/// Refuses the number of a customer whom the caller does not see, without a word of who that is. One whom they see is named
/// when the number is set.
async fn check_number(tx: &mut Tx, customer: &Customer, edit: &CustomerEdit) -> Result<(), Refusal> {
    let Some(Some(phone)) = &edit.change.phone else {
        return Ok(());
    };
    if edit.sight.is_whole() {
        return Ok(());
    }
    let Some(holder) = tx.customers().by_identity(&Identity::phone(phone)).await? else {
        return Ok(());
    };
    if holder.id == customer.id || tx.sights().customer(&edit.sight, holder.id).await? {
        return Ok(());
    }
    Err(Refusal::Conflict(
        "another customer has this number, of an account that you do not see; ask somebody who sees all accounts whether the \
         two are one person"
            .to_owned(),
    ))
}

/// Merges two customers in the caller's transaction, as [`Desk::merge_customers`] does.
pub(crate) async fn merge(
    tx: &mut Tx,
    policy: &Policy,
    id: CustomerId,
    with: CustomerId,
    by: &str,
) -> Result<Merge, Refusal> {
    if id == with {
        return Err(Refusal::Conflict(format!(
            "customer {id} cannot be merged with itself; name another"
        )));
    }
    let (kept, gone) = (current(tx, id).await?, current(tx, with).await?);
    if kept.id == gone.id {
        for merged in [with, id] {
            if let Some(merge) = tx.merges().that_ended(merged).await? {
                return Ok(merge);
            }
        }
    }
    let merged = tx.merges().merge(kept.id, gone.id, Some(by)).await?;
    people::tell_merged(tx, policy, &merged).await?;
    Ok(merged.merge)
}

async fn undo(tx: &mut Tx, core: &Core, id: MergeId, by: &str) -> Result<Merge, Refusal> {
    let merge = tx.merges().get(id).await?.ok_or_else(|| not_found("merge", id))?;
    if merge.undone_at.is_some() {
        return Ok(merge);
    }
    let parted = tx.merges().undo(id, by).await?;
    people::tell_parted(tx, &core.policy, &parted).await?;
    for message in &parted.for_either {
        if let Some(message) = tx.messages().lock(*message).await? {
            let policy = accounts::policy(tx, core, message.account_id).await?;
            later::hold_for_either(tx, &policy, &message).await?;
        }
    }
    Ok(parted.merge)
}

/// Returns the customer with this id, or the one that continues them after merges.
pub(super) async fn current(tx: &mut Tx, id: CustomerId) -> Result<Customer, Refusal> {
    tx.customers()
        .current(id)
        .await?
        .ok_or_else(|| not_found("customer", id))
}

/// HTTP status of the answer to a new customer ("created").
const CREATED: u16 = 201;
