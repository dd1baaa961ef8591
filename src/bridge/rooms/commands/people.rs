//! Commands about the customer: their name, and merges.

use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::desk::{self, CustomerEdit};
use crate::contract::name_without;
use crate::domain::CustomerId;
use crate::domain::agent::name_key;
use crate::domain::customer::{Customer, Identity, PhoneNumber};
use crate::store::{CustomerChange, CustomerFilter, PageRequest, Tx};

use super::Other;
use super::given::{Done, Given};

/// Most customers that an answer names.
const MAX_NAMED: u64 = 8;

/// Gives the customer another name.
pub(super) async fn name(tx: &mut Tx, given: &Given<'_>, name: &str) -> Result<Done, Refusal> {
    let edit = CustomerEdit {
        change: CustomerChange {
            name: Some(Some(name.to_owned())),
            ..CustomerChange::default()
        },
        ..CustomerEdit::default()
    };
    let changed = desk::change_customer(tx, of_room(given)?, &edit).await?;
    Ok(Done::Told(format!("The customer is called {} now.", changed.name)))
}

/// Merges another customer into the one of this room.
pub(super) async fn merge(tx: &mut Tx, given: &Given<'_>, other: &Other) -> Result<Done, Refusal> {
    let this = of_room(given)?;
    let hides = given.policy(tx).await?.hide_numbers;
    let with = match other {
        Other::Id(id) => seen(tx, given, *id).await?.ok_or_else(|| not_found("customer", id))?,
        Other::Called(text) => match find(tx, given, (this, text), hides).await? {
            Ok(customer) => customer,
            Err(told) => return Ok(Done::Told(told)),
        },
    };
    let label = label(&with, hides);
    let policy = given.policy(tx).await?;
    let merge = desk::merge_customers(tx, &policy, this, with.id, &given.agent.name).await?;
    Ok(Done::Told(format!(
        "{label} is merged into this customer. If that was wrong: crm customer unmerge {}",
        merge.id
    )))
}

/// Returns the customer of the room.
fn of_room(given: &Given<'_>) -> Result<CustomerId, Refusal> {
    let customer = given.conversation.customer_id;
    customer.ok_or_else(|| {
        Refusal::Conflict("this is a group, which has no customer; write it in a customer's room".to_owned())
    })
}

/// Returns a customer whom the author gets to see.
async fn seen(tx: &mut Tx, given: &Given<'_>, id: CustomerId) -> Result<Option<Customer>, Refusal> {
    if !tx.sights().customer(&given.sight(), id).await? {
        return Ok(None);
    }
    Ok(tx.customers().current(id).await?)
}

/// Returns the customer of this number, or of exactly this name; the answer with those that may be meant.
async fn find(
    tx: &mut Tx,
    given: &Given<'_>,
    (this, text): (CustomerId, &str),
    hides: bool,
) -> Result<Result<Customer, String>, Refusal> {
    let region = given.policy(tx).await?.phone_region;
    if !hides
        && let Ok(number) = PhoneNumber::read(text, region)
        && let Some(found) = tx.customers().by_identity(&Identity::phone(&number)).await?
        && let Some(found) = seen(tx, given, found.id).await?
    {
        return Ok(Ok(found));
    }
    let filter = CustomerFilter {
        search: Some(text.to_owned()),
        names_only: hides,
        ..CustomerFilter::default()
    };
    let page = tx.customers().page(PageRequest::first(MAX_NAMED), &filter).await?;
    let mut found = vec![];
    for customer in page.data {
        if customer.id != this && tx.sights().customer(&given.sight(), customer.id).await? {
            found.push(customer);
        }
    }
    let key = name_key(text);
    let mut exact = found.iter().filter(|customer| name_key(&customer.name) == key);
    if let (Some(only), None, false) = (exact.next(), exact.next(), page.has_more) {
        return Ok(Ok(only.clone()));
    }
    let named: Vec<String> = found
        .iter()
        .map(|customer| format!("!merge #{} for {}", customer.id, label(customer, hides)))
        .collect();
    Ok(Err(if named.is_empty() {
        format!(
            "Not done: there is no other customer called {text}; give the number in the list, the name or the phone number."
        )
    } else {
        format!("Not done: say who is meant. Write {}.", named.join(", or "))
    }))
}

/// Returns a customer's name, with the number unless that is hidden.
pub(super) fn label(customer: &Customer, hides: bool) -> String {
    if hides {
        return name_without(&customer.name, Some(customer.id.0));
    }
    match &customer.phone {
        Some(phone) if customer.name != phone.as_str() => format!("{} ({phone})", customer.name),
        _ => customer.name.clone(),
    }
}
