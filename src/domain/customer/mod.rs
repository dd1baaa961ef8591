//! Customers. A customer is one person, known by dated identities (phone number, LID, username), never by one of them
//! alone.

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

/// Number of digits in an international phone number: E.164 allows at most 15, and no country uses fewer than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A phone number in international form, written with `+` (`+447700900123`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Error: the text is not a phone number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a phone number: write it in international form, such as +447700900123, and without a (0)")]
pub struct NotAPhoneNumber;

impl PhoneNumber {
    /// Returns the digits without `+`, as WhatsApp writes a number.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// Returns the number with `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PhoneNumber {
    /// Returns the number that was probably meant by digits without `+`, to be suggested and never to be used: the
    /// digits may lack the country as well.
    pub fn suggestion(text: &str) -> Option<Self> {
        let starts_with_country = text.trim_start().starts_with(|c: char| matches!(c, '1'..='9'));
        let suggested = format!("+{}", text.trim_start());
        starts_with_country.then(|| suggested.parse().ok()).flatten()
    }
}

/// Returns whether a character shows nothing: marks of direction and joining, the byte order mark, the soft hyphen.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

/// Returns whether a character is a space within a line.
fn is_space(c: char) -> bool {
    c == '\t' || c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns whether a character looks like a dash.
const fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

impl FromStr for PhoneNumber {
    type Err = NotAPhoneNumber;

    /// Parses `+` and digits, with the spaces, dots, dashes and brackets that people write between them, and the marks
    /// that show nothing and come with a number from a contact card. Refuses a number without `+` or `00`: guessing its
    /// country could reach a stranger. So could a zero in brackets, which some countries keep and others leave out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown: String = text.chars().filter(|c| !is_unseen(*c)).collect();
        let shown = shown.trim();
        let rest = shown
            .strip_prefix(['+', '\u{ff0b}'])
            .or_else(|| shown.strip_prefix("00"))
            .ok_or(NotAPhoneNumber)?;
        let mut phone = String::from("+");
        let mut bracket_opened = false;
        for c in rest.chars() {
            match c {
                '0' if bracket_opened => return Err(NotAPhoneNumber),
                '0'..='9' => phone.push(c),
                '(' => {
                    bracket_opened = true;
                    continue;
                }
                ')' | '.' => {}
                _ if is_dash(c) || is_space(c) => continue,
                _ => return Err(NotAPhoneNumber),
            }
            bracket_opened = false;
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

/// Does not print the number, so that no log line contains it (rule 32).
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

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
    fn phone_number_is_normalised() {
        for text in [
            "+447700900123",
            " +44 7700 900-123",
            "00447700900123",
            "+44 (7700) 900.123",
            "\u{202a}+44 7700 900123\u{202c}",
            "\u{200e}+44\u{2011}7700\u{2007}900\u{202f}123\u{feff}",
            "\u{ff0b}44 7700\u{2013}900\u{2212}123",
            "+44\u{200b}7700\u{ad}900\u{2060}123",
            "+44\u{3000}7700\t900123",
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
            "+44 (0)7700 900123",
            "+44(0) 7700 900123",
            "+44 ( 0 ) 7700 900123",
            "+44 (\u{200b}0)7700 900123",
            "+44 (07700) 900123",
            "0044 (0)7700 900123",
            "+44 7700\n900123",
            "+44 7700 900123\u{2028}+1",
        ] {
            assert_eq!(text.parse::<PhoneNumber>(), Err(NotAPhoneNumber), "{text}");
        }
    }

    /// Suggested, never used.
    #[test]
    fn missing_plus_is_suggested() {
        let suggestion = |text| PhoneNumber::suggestion(text).map(String::from);
        assert_eq!(suggestion("5511987654321"), Some("+5511987654321".to_owned()));
        assert_eq!(suggestion(" 44 7700 900123"), Some("+447700900123".to_owned()));
        for text in ["07700 900123", "Ada", "", "12", "+447700900123"] {
            assert_eq!(suggestion(text), None, "{text}");
        }
    }

    #[test]
    fn debug_output_hides_phone_number() {
        let phone: PhoneNumber = "+447700900123".parse().unwrap();
        assert!(!format!("{phone:?} {:?}", Identity::phone(&phone)).contains("7700"));
    }
}
