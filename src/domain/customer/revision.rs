//! A customer's revision: changes whenever a person edits a field, and tells which field changed. Fields that change by
//! themselves (unread messages) are not part of it.

use sha2::{Digest as _, Sha256};

use super::{Customer, PhoneNumber};
use crate::domain::hex::hex;

/// Bytes of each field's hash: enough to notice a change, too few to find the value.
const BYTES: usize = 6;

/// Returns the revision, in characters that are valid in an `ETag`.
pub fn of(customer: &Customer) -> String {
    let parts: Vec<String> = fields(customer).into_iter().map(|(_, hash)| hash).collect();
    format!("{}-{}", customer.id, parts.join("-"))
}

/// Returns the names of the fields that differ from an earlier revision.
pub fn differences(known: &str, customer: &Customer) -> Vec<&'static str> {
    let mut known = known.split('-');
    let is_same_customer = known.next() == Some(customer.id.to_string().as_str());
    let other = fields(customer)
        .into_iter()
        .filter(|(_, hash)| known.next() != Some(hash.as_str()) || !is_same_customer);
    other.map(|(name, _)| name).collect()
}

fn fields(customer: &Customer) -> Vec<(&'static str, String)> {
    let attributes = serde_json::Value::Object(customer.attributes.clone()).to_string();
    let phone = customer.phone.as_ref().map(PhoneNumber::as_str);
    [
        ("name", Some(customer.name.as_str())),
        ("phone", phone),
        ("status", Some(customer.status.as_str())),
        ("photo_url", customer.photo_url.as_deref()),
        ("attributes", Some(attributes.as_str())),
    ]
    .into_iter()
    .map(|(name, value)| (name, hash(value)))
    .collect()
}

fn hash(value: Option<&str>) -> String {
    let Some(value) = value else { return String::new() };
    let digest = Sha256::digest(value);
    hex(&digest[..BYTES])
}
