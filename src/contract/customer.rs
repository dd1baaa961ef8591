//! Customers.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::customer::{Customer, DatedIdentity, IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::names::NameSource;
use crate::domain::{CustomerId, Timestamp};

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerView {
    pub id: CustomerId,
    pub name: String,
    pub name_source: NameSource,
    /// In international form, with `+`.
    pub phone: Option<PhoneNumber>,
    pub status: String,
    /// Path at which the API serves the profile picture.
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// The caller's own fields.
    pub attributes: Map<String, Value>,
    /// Since when they do not want to be written to; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_at: Option<Timestamp>,
    /// The word by which they opted out, or the person who noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_by: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The surviving customer of a merge, who has everything of this one; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<CustomerId>,
}

/// One name by which WhatsApp knows, or has known, a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityView {
    pub kind: IdentityKind,
    /// A phone number with `+`, a LID's digits, or a username.
    pub value: String,
    /// Null where it was not recorded.
    pub source: Option<IdentitySource>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Whether it still is this customer's: a number may have passed to another person, or have been changed.
    pub current: bool,
    /// The customer whose it was before a merge; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_customer_id: Option<CustomerId>,
}

/// Changes of a customer. An absent field stays; null takes back what a person set, and WhatsApp's value holds again.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EditCustomer {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub phone: Option<Option<PhoneNumber>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Map<String, Value>>,
}

/// Reads a field that is there, be it null.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> Self {
        Self {
            id: customer.id,
            name: customer.name,
            name_source: customer.name_source,
            phone: customer.phone,
            status: customer.status,
            photo_url: customer.photo_url,
            unread_count: customer.unread_count,
            attributes: customer.attributes,
            opted_out_at: customer.opted_out_at,
            opted_out_by: customer.opted_out_by,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
            merged_into: customer.merged_into,
        }
    }
}

impl From<&Customer> for CustomerView {
    fn from(customer: &Customer) -> Self {
        customer.clone().into()
    }
}

impl From<DatedIdentity> for IdentityView {
    fn from(dated: DatedIdentity) -> Self {
        Self {
            kind: dated.identity.kind,
            value: dated.identity.value,
            source: dated.source,
            first_seen: dated.first_seen,
            last_seen: dated.last_seen,
            current: dated.current,
            merged_customer_id: dated.merged_customer_id,
        }
    }
}
