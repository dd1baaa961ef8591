//! Customers and their identities.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::customer::{Customer, DatedIdentity, IdentityKind, IdentitySource, PhoneNumber};
use crate::domain::names::NameSource;
use crate::domain::{CustomerId, Timestamp};

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerView {
    /// Id of the customer.
    pub id: CustomerId,
    /// Name that is shown.
    pub name: String,
    /// Source of the name.
    pub name_source: NameSource,
    /// Phone number in international form, with `+`.
    pub phone: Option<PhoneNumber>,
    /// Status of the customer, a word of the team's own.
    pub status: String,
    /// Path at which the API serves the avatar.
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// Fields of the API's callers.
    pub attributes: Map<String, Value>,
    /// Names of their labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Time of the opt-out; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_at: Option<Timestamp>,
    /// Word by which the customer opted out, or person who recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_by: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Surviving customer of a merge, who has all data of this one; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<CustomerId>,
}

/// An identity by which WhatsApp knows, or has known, a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityView {
    /// Kind of the identity.
    pub kind: IdentityKind,
    /// Phone number with `+`, digits of a LID, or username.
    pub value: String,
    /// Source of the identity; null if it was not recorded.
    pub source: Option<IdentitySource>,
    /// Time when the customer was first seen with it.
    pub first_seen: Timestamp,
    /// Time when the customer was last seen with it.
    pub last_seen: Timestamp,
    /// Whether the customer still has it: a number may have passed to another person, or have been changed.
    pub current: bool,
    /// Customer who had it before a merge; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_customer_id: Option<CustomerId>,
}

/// Request for a new customer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomerRequest {
    /// Phone number in international form, or as it is written in the configured region.
    pub phone: String,
    /// Name; without it, the number is shown until WhatsApp tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Status, a word of the team's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The team's own facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Map<String, Value>>,
}

/// Request to change a customer. An absent field is not changed; null removes what a person set, so that WhatsApp's
/// value shows again.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditCustomer {
    /// Name, or null.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// Phone number, as people write it, or null.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub phone: Option<Option<String>>,
    /// Status, a word of the team's own.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub status: Option<String>,
    /// All attributes; replaces those of before. One that is defined takes only values of its kind; a value that the customer
    /// has already is not checked again.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub attributes: Option<Map<String, Value>>,
}

/// Deserializes a field that is present; null only where the field takes it.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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
            labels: customer.labels,
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
