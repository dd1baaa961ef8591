//! A customer's revision: changes whenever a person edits a field, and tells which field changed. Fields that change by
//! themselves (unread messages) are not part of it.

use std::borrow::Cow;
use std::fmt::Display;

use sha2::{Digest as _, Sha256};

use super::Customer;
use crate::domain::hex::hex;
use crate::domain::rights::Sight;

/// Bytes of each field's hash: enough to notice a change. They are enough to find a number too, by trying them all.
const BYTES: usize = 6;

/// Returns the revision of what a sight shows of a customer, in characters that are valid in an `ETag`. It holds nothing of
/// a number that is hidden, so a change of that number alone is none for those who do not see it.
pub fn of(customer: &Customer, sight: &Sight) -> String {
    of_fields(customer.id, &fields(&seen(customer, sight)))
}

/// Returns the names of the fields that differ from an earlier revision for the same sight.
pub fn differences(known: &str, customer: &Customer, sight: &Sight) -> Vec<&'static str> {
    different_fields(known, customer.id, &fields(&seen(customer, sight)))
}

fn seen<'c>(customer: &'c Customer, sight: &Sight) -> Cow<'c, Customer> {
    if sight.hides_numbers() {
        Cow::Owned(customer.without_numbers())
    } else {
        Cow::Borrowed(customer)
    }
}

/// Returns the revision of anything with an id and fields.
pub fn of_fields(id: impl Display, fields: &[(&str, Option<String>)]) -> String {
    let parts: Vec<String> = fields.iter().map(|(_, value)| hash(value.as_deref())).collect();
    format!("{id}-{}", parts.join("-"))
}

/// Returns the names of the fields that differ from an earlier revision made by [`of_fields`].
pub fn different_fields(known: &str, id: impl Display, fields: &[(&'static str, Option<String>)]) -> Vec<&'static str> {
    let mut known = known.split('-');
    let is_same = known.next() == Some(id.to_string().as_str());
    let other = fields
        .iter()
        .filter(|(_, value)| known.next() != Some(hash(value.as_deref()).as_str()) || !is_same);
    other.map(|(name, _)| *name).collect()
}

fn fields(customer: &Customer) -> [(&'static str, Option<String>); 6] {
    let attributes = serde_json::Value::Object(customer.attributes.clone()).to_string();
    [
        ("name", Some(customer.name.clone())),
        ("phone", customer.phone.as_ref().map(|phone| phone.as_str().to_owned())),
        ("status", Some(customer.status.clone())),
        ("photo_url", customer.photo_url.clone()),
        ("attributes", Some(attributes)),
        ("labels", Some(customer.labels.join("\n"))),
    ]
}

fn hash(value: Option<&str>) -> String {
    let Some(value) = value else { return String::new() };
    let digest = Sha256::digest(value);
    hex(&digest[..BYTES])
}
