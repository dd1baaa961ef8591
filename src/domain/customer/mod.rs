//! A customer: one person, known by dated identities (phone number, LID, username), never by one of them alone.

pub mod display_name;
pub mod ledger;
pub mod merge;
pub mod names;
pub mod revision;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::word::words;
use super::{CustomerId, Timestamp};
use names::NameSource;

/// Digits in an international number: E.164 allows 15 at the most, and nobody has fewer than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A phone number in international form. Written with `+` (`+447700900123`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Text that is not a phone number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a phone number: write it in international form, such as +447700900123")]
pub struct NotAPhoneNumber;

impl PhoneNumber {
    /// The digits without `+`, as WhatsApp writes a number.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// With `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = NotAPhoneNumber;

    /// Takes `+` and digits, with the spaces, dots, dashes and brackets that people write between them. A number without
    /// `+` or `00` is refused: guessing its country could reach a stranger.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let rest = text
            .strip_prefix('+')
            .or_else(|| text.strip_prefix("00"))
            .ok_or(NotAPhoneNumber)?;
        let mut phone = String::from("+");
        for c in rest.chars() {
            match c {
                '0'..='9' => phone.push(c),
                ' ' | '\u{a0}' | '.' | '-' | '(' | ')' => {}
                _ => return Err(NotAPhoneNumber),
            }
        }
        let digits = phone.len() - 1;
        (PHONE_DIGITS.contains(&digits) && !phone[1..].starts_with('0'))
            .then_some(Self(phone))
            .ok_or(NotAPhoneNumber)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotAPhoneNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PhoneNumber> for String {
    fn from(phone: PhoneNumber) -> Self {
        phone.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says nothing of the number, so that no log line can (rule 32).
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

words! {
    /// By what a person is known to WhatsApp.
    IdentityKind { Phone = "phone", Lid = "lid", Username = "username" }
}

words! {
    /// From whom we know an identity.
    IdentitySource {
        /// WhatsApp told it with a message, a chat or a look-up.
        WhatsApp = "whatsapp",
        /// Somebody wrote to it from here.
        Asked = "asked",
        /// A person at the desk set it.
        Set = "set",
    }
}

/// One name by which WhatsApp knows a person: a phone number with `+`, a LID's digits, or a username.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub kind: IdentityKind,
    pub value: String,
}

impl Identity {
    pub fn phone(phone: &PhoneNumber) -> Self {
        Self {
            kind: IdentityKind::Phone,
            value: phone.as_str().to_owned(),
        }
    }

    pub fn lid(digits: &str) -> Self {
        Self {
            kind: IdentityKind::Lid,
            value: digits.to_owned(),
        }
    }

    /// Without `@`.
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
    pub identity: Identity,
    /// None where it was not written down.
    pub source: Option<IdentitySource>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Whether it still is this customer's: a number may have passed to another person, or have been changed.
    pub current: bool,
    /// Whose it was before a merge made it this customer's.
    pub merged_customer_id: Option<CustomerId>,
}

/// A customer as everybody outside the store sees them. Their JSON is `contract::CustomerView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
    pub name_source: NameSource,
    pub phone: Option<PhoneNumber>,
    pub status: String,
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Since when they do not want to be written to, where that is so.
    pub opted_out_at: Option<Timestamp>,
    /// By what word of theirs, or who noted it.
    pub opted_out_by: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Who this customer turned out to be: everything of theirs is there.
    pub merged_into: Option<CustomerId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_number_is_normalised() {
        for text in [
            "+447700900123",
            " +44 7700 900-123",
            "00447700900123",
            "+44 (7700) 900.123",
        ] {
            assert_eq!(text.parse::<PhoneNumber>().unwrap().as_str(), "+447700900123", "{text}");
        }
    }

    #[test]
    fn non_international_number_is_refused() {
        for text in [
            "",
            "+",
            "07700900123",
            "+44",
            "+1234567890123456",
            "+44abc7700900",
            "+0447700900",
            "Ada",
        ] {
            assert_eq!(text.parse::<PhoneNumber>(), Err(NotAPhoneNumber), "{text}");
        }
    }

    #[test]
    fn debug_output_hides_phone_number() {
        let phone: PhoneNumber = "+447700900123".parse().unwrap();
        assert!(!format!("{phone:?} {:?}", Identity::phone(&phone)).contains("7700"));
    }
}
