//! Customers. A customer is one person, known by dated identities (phone number, LID, username), never by one of them
//! alone.

pub mod display_name;
pub mod ledger;
pub mod merge;
pub mod names;
pub mod numbers;
pub mod phone;
pub mod revision;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::word::words;
use super::{CustomerId, Timestamp};
use names::NameSource;
pub use phone::{NotAPhoneNumber, NotARegion, PhoneNumber, PhoneRegion};

words! {
    /// Kind of a WhatsApp identity.
    IdentityKind { Phone = "phone", Lid = "lid", Username = "username" }
}

words! {
    /// Source of an identity.
    IdentitySource {
        /// WhatsApp reported it with a message, a chat or a lookup.
        WhatsApp = "whatsapp",
        /// An agent or a program wrote to it through crm.
        Asked = "asked",
        /// A person at the desk set it.
        Set = "set",
    }
}

/// One identity by which WhatsApp knows a person: a phone number with `+`, a LID's digits, or a username.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// Kind of the identity.
    pub kind: IdentityKind,
    /// Phone number with `+`, digits of a LID, or username without `@`.
    pub value: String,
}

impl Identity {
    /// Creates the identity of a phone number.
    pub fn phone(phone: &PhoneNumber) -> Self {
        Self {
            kind: IdentityKind::Phone,
            value: phone.as_str().to_owned(),
        }
    }

    /// Creates the identity of a LID, given its digits.
    pub fn lid(digits: &str) -> Self {
        Self {
            kind: IdentityKind::Lid,
            value: digits.to_owned(),
        }
    }

    /// Creates the identity of a username, given without `@`.
    pub fn username(name: &str) -> Self {
        Self {
            kind: IdentityKind::Username,
            value: name.to_owned(),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, …)", self.kind)
    }
}

/// An identity with its dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedIdentity {
    /// The identity.
    pub identity: Identity,
    /// Source of the identity; `None` in rows older than the column.
    pub source: Option<IdentitySource>,
    /// Time when the customer was first seen with it.
    pub first_seen: Timestamp,
    /// Time when the customer was last seen with it.
    pub last_seen: Timestamp,
    /// Whether the customer still has it: a number may have passed to another person or have been changed.
    pub current: bool,
    /// Customer who had it before a merge gave it to this one.
    pub merged_customer_id: Option<CustomerId>,
}

/// A customer, as all modules outside the store see it. Its JSON is `contract::CustomerView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Id of the customer.
    pub id: CustomerId,
    /// Name that is shown.
    pub name: String,
    /// Source of the name.
    pub name_source: NameSource,
    /// Phone number that is shown, if it is known.
    pub phone: Option<PhoneNumber>,
    /// Status of the customer, a word of the team's own.
    pub status: String,
    /// Address of the avatar, or of the picture that a person has set.
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// Attributes of the team's own.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Names of their labels, in order.
    pub labels: Vec<String>,
    /// Time of the opt-out; `None` while there is none.
    pub opted_out_at: Option<Timestamp>,
    /// Word by which the customer opted out, or person who recorded it.
    pub opted_out_by: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Customer who continues this one since a merge: all data is there.
    pub merged_into: Option<CustomerId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_phone_number() {
        let phone: PhoneNumber = "+447700900123".parse().unwrap();
        assert!(!format!("{phone:?} {:?}", Identity::phone(&phone)).contains("7700"));
    }
}
