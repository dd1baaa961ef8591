//! Phone numbers: the one place that reads and writes them. In international form everywhere; a number as people write it
//! in one country is read if the configuration names that country.

use std::fmt;
use std::str::FromStr;

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, country};
use serde::{Deserialize, Serialize};

/// Number of digits in an international phone number: E.164 allows at most 15, and no country uses fewer than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A phone number in international form, written with `+` (`+447700900123`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Error: the text is not a phone number.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAPhoneNumber {
    /// It cannot be read.
    #[error("not a phone number: write it in international form, such as +447700900123, and without a (0)")]
    Unreadable,
    /// It has no `+`, and is this number if it begins with its country.
    #[error("not a phone number in international form: did you mean {0}? Write it with its + and country")]
    NoPlus(PhoneNumber),
    /// Its country is followed by the 0 that is dialled within the country alone. It is probably this number.
    #[error(
        "not a phone number in international form: did you mean {0}? The 0 that is dialled within the country is no part of it"
    )]
    Trunk(PhoneNumber),
    /// It is no number of the region either.
    #[error(
        "neither a phone number in international form nor one as it is written in {0} (phone_region); check its digits, or \
         write it in international form, such as +447700900123, and without a (0)"
    )]
    NotOfRegion(PhoneRegion),
}

/// Country whose local numbers are read, such as `GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneRegion(country::Id);

/// Error: the text names no country.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the two letters of a country, such as GB, or nothing to read numbers in international form alone")]
pub struct NotARegion;

impl FromStr for PhoneRegion {
    type Err = NotARegion;

    /// Parses the two capital letters of ISO 3166 for a country that has phone numbers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text.parse().map_err(|_| NotARegion)?;
        DATABASE.by_id(text).map(|_| Self(id)).ok_or(NotARegion)
    }
}

impl fmt::Display for PhoneRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

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
    /// Parses a number that a person or a program gives: in international form, or as it is written in `region`, if there
    /// is one.
    pub fn read(text: &str, region: Option<PhoneRegion>) -> Result<Self, NotAPhoneNumber> {
        match (text.parse::<Self>(), region) {
            (Err(error), Some(region)) if !has_prefix(text) => match (local(text, region), error) {
                (Some(number), _) => Ok(number),
                (None, error @ NotAPhoneNumber::NoPlus(_)) => Err(error),
                (None, _) => Err(NotAPhoneNumber::NotOfRegion(region)),
            },
            (Ok(number), _) => match number.without_trunk() {
                Some(meant) => Err(NotAPhoneNumber::Trunk(meant)),
                None => Ok(number),
            },
            (Err(error), _) => Err(error),
        }
    }

    /// Returns the number without the 0 behind its country, where that is dialled within the country alone: in Italy it is
    /// part of the number, in Britain it is not.
    fn without_trunk(&self) -> Option<Self> {
        let code = phonenumber::parse(None, &self.0).ok()?.code().value();
        let rest = self.digits().strip_prefix(&code.to_string())?;
        let bare = rest.strip_prefix('0')?;
        let countries = DATABASE.by_code(&code)?;
        let fits = |number: &str| countries.iter().any(|country| has_form(number, country));
        let is_meant = !fits(rest) && fits(bare);
        is_meant.then(|| format!("+{code}{bare}").parse().ok()).flatten()
    }

    /// Returns the number that was probably meant by digits without `+`, to be suggested and never to be used: the
    /// digits may lack the country as well.
    fn suggestion(text: &str) -> Option<Self> {
        let starts_with_country = text.trim_start().starts_with(|c: char| matches!(c, '1'..='9'));
        let suggested = format!("+{}", text.trim_start());
        starts_with_country.then(|| suggested.parse().ok()).flatten()
    }
}

/// Returns whether a text begins as a number in international form does.
fn has_prefix(text: &str) -> bool {
    let mut shown = text.chars().filter(|c| !is_unseen(*c) && !is_space(*c));
    match shown.next() {
        Some('+' | '\u{ff0b}') => true,
        Some('0') => shown.next() == Some('0'),
        _ => false,
    }
}

/// Reads a number as it is written in a region, without its country. `None` unless it has the form of that country's
/// numbers, and the library writes it in the digits that were given: a slip in its rules must not reach a stranger.
fn local(text: &str, region: PhoneRegion) -> Option<PhoneNumber> {
    let mut plain = String::new();
    for c in text.trim().chars() {
        match c {
            '0'..='9' | '(' | ')' | '.' | '/' => plain.push(c),
            _ if is_dash(c) => plain.push('-'),
            _ if is_space(c) => plain.push(' '),
            _ if is_unseen(c) => {}
            _ => return None,
        }
    }
    let number = phonenumber::parse(Some(region.0), &plain).ok()?;
    let metadata = DATABASE.by_id(region.0.as_ref())?;
    let international = number.format().mode(Mode::E164).to_string();
    let national = international.strip_prefix(&format!("+{}", metadata.country_code()))?;
    if !has_form(national, metadata) {
        return None;
    }
    let given = digits_of(&plain);
    let prefix = metadata.national_prefix().unwrap_or_default();
    let written = [
        national.to_owned(),
        format!("{prefix}{national}"),
        digits_of(&international),
        digits_of(&number.format().mode(Mode::National).to_string()),
    ];
    written.contains(&given).then(|| international.parse().ok()).flatten()
}

/// Returns whether a number without its country has the form of a country's numbers.
fn has_form(national: &str, country: &Metadata) -> bool {
    let form = country.descriptors().general().national_number();
    form.find(national)
        .is_some_and(|found| found.start() == 0 && found.end() == national.len())
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
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
            .ok_or_else(|| Self::suggestion(text).map_or(NotAPhoneNumber::Unreadable, NotAPhoneNumber::NoPlus))?;
        let mut phone = String::from("+");
        let mut bracket_opened = false;
        for c in rest.chars() {
            match c {
                '0' if bracket_opened => return Err(NotAPhoneNumber::Unreadable),
                '0'..='9' => phone.push(c),
                '(' => {
                    bracket_opened = true;
                    continue;
                }
                ')' | '.' => {}
                _ if is_dash(c) || is_space(c) => continue,
                _ => return Err(NotAPhoneNumber::Unreadable),
            }
            bracket_opened = false;
        }
        let digits = phone.len() - 1;
        (PHONE_DIGITS.contains(&digits) && !phone[1..].starts_with('0'))
            .then_some(Self(phone))
            .ok_or(NotAPhoneNumber::Unreadable)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            assert_eq!(text.parse::<PhoneNumber>(), Err(NotAPhoneNumber::Unreadable), "{text}");
        }
    }

    /// Suggested, never used.
    #[test]
    fn missing_plus_is_suggested() {
        for (text, meant) in [
            ("5511987654321", "+5511987654321"),
            (" 44 7700 900123", "+447700900123"),
        ] {
            for region in [None, Some("GB".parse().unwrap())] {
                // In its own country a number with the country in front is a known form.
                let read = PhoneNumber::read(text, region);
                if region.is_some() && meant.starts_with("+44") {
                    assert_eq!(read.unwrap().as_str(), meant);
                    continue;
                }
                let error = read.unwrap_err().to_string();
                assert!(error.contains(&format!("did you mean {meant}?")), "{error}");
            }
        }
        for text in ["07700 900123", "Ada", "", "12", "+44"] {
            assert_eq!(
                PhoneNumber::read(text, None),
                Err(NotAPhoneNumber::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn local_number_is_read_in_its_region() {
        for (region, text, number) in [
            ("GB", "07700 900123", "+447700900123"),
            ("GB", "\u{202a}07700\u{2011}900\u{a0}123\u{202c}", "+447700900123"),
            ("GB", "(07700) 900-123", "+447700900123"),
            ("GB", "020 7946 0958", "+442079460958"),
            ("GB", "447700900123", "+447700900123"),
            ("BR", "(11) 98765-4321", "+5511987654321"),
            ("BR", "011 98765 4321", "+5511987654321"),
            ("AR", "011 15-2345-6789", "+5491123456789"),
            ("IT", "347 123 4567", "+393471234567"),
            ("IT", "06 698 12345", "+390669812345"),
            ("RU", "8 (912) 345-67-89", "+79123456789"),
            ("DE", "0151/23456789", "+4915123456789"),
            ("US", "(202) 555-0123", "+12025550123"),
            ("US", "1-202-555-0123", "+12025550123"),
            ("HU", "06 20 123 4567", "+36201234567"),
            ("FR", "06.12.34.56.78", "+33612345678"),
            ("CI", "07 12 34 56 78", "+2250712345678"),
        ] {
            let read = PhoneNumber::read(text, Some(region.parse().unwrap()));
            assert_eq!(read.unwrap().as_str(), number, "{region} {text}");
        }
    }

    /// It would be another number, perhaps a stranger's.
    #[test]
    fn zero_behind_country_is_refused_where_it_is_none() {
        for text in [
            "+44 07700 900123",
            "+4407700900123",
            "0044 07700 900123",
            "+49 0151 23456789",
        ] {
            for region in [None, Some("GB".parse().unwrap())] {
                let refused = PhoneNumber::read(text, region).unwrap_err();
                assert!(matches!(refused, NotAPhoneNumber::Trunk(_)), "{text}: {refused:?}");
            }
        }
        let told = PhoneNumber::read("+44 07700 900123", None).unwrap_err().to_string();
        assert!(told.contains("did you mean +447700900123?"), "{told}");
        for text in [
            "+39 06 698 12345",
            "+225 07 12 34 56 78",
            "+447700900123",
            "+1 202 555 0123",
            "+54 9 11 2345 6789",
        ] {
            assert!(PhoneNumber::read(text, None).is_ok(), "{text}");
        }
    }

    /// A number in international form means the same everywhere.
    #[test]
    fn region_changes_no_international_number() {
        let region = Some("US".parse().unwrap());
        for text in ["+447700900123", "0044 7700 900123", "\u{ff0b}44 7700 900123"] {
            assert_eq!(PhoneNumber::read(text, region).unwrap().as_str(), "+447700900123");
        }
        for text in ["+44 (0)7700 900123", "+44", "00", "0044 (0)7700 900123", "+1"] {
            assert_eq!(PhoneNumber::read(text, region), text.parse(), "{text}");
        }
    }

    #[test]
    fn number_that_fits_no_form_of_region_is_refused() {
        for (region, text) in [
            ("GB", "999"),
            ("GB", "0770 090012"),
            ("GB", "07700 9001234"),
            ("GB", "07700 900123 x5"),
            ("GB", "0800 FLOWERS"),
            ("GB", "Ada"),
            ("GB", ""),
            ("GB", "07700\n900123"),
            ("MX", "044 55 1234 5678"),
        ] {
            let region: PhoneRegion = region.parse().unwrap();
            let error = PhoneNumber::read(text, Some(region)).unwrap_err();
            assert_eq!(error, NotAPhoneNumber::NotOfRegion(region), "{text}");
            assert!(error.to_string().contains("phone_region") && error.to_string().contains("+44"));
        }
        // The prefix of the country is not taken off twice.
        assert!(PhoneNumber::read("8 800 555 35 35", Some("RU".parse().unwrap())).is_err());
    }

    #[test]
    fn region_is_two_capital_letters_of_a_country() {
        for text in ["GB", "BR", "US", "ZA"] {
            assert_eq!(text.parse::<PhoneRegion>().unwrap().to_string(), text);
        }
        for text in ["", "gb", "UK", "XX", "GBR", "44", "+44", "001"] {
            assert_eq!(text.parse::<PhoneRegion>(), Err(NotARegion), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[0-9+() ./-]{0,20}", region in 0..5_usize) {
            let region = ["GB", "BR", "US", "RU", "IT"][region].parse().unwrap();
            if let Ok(number) = PhoneNumber::read(&text, Some(region)) {
                prop_assert_eq!(number.as_str().parse::<PhoneNumber>(), Ok(number.clone()));
            }
        }
    }
}
