//! Texts without phone numbers, for people who are not to see those of customers (`hide_numbers`).
//!
//! In a name every long run of digits counts as a number, because WhatsApp's users choose their names. In what the desk
//! notes about a customer only their own number is hidden: order numbers and the like have to stay.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::names::NameSource;
use super::{Customer, PhoneNumber};

/// Stands for a number, or for a name that is only a number, where nobody's id is known.
pub const HIDDEN: &str = "hidden";

/// Fewest digits of a number: no country has shorter ones.
pub const FEWEST_DIGITS: usize = 7;

/// First digit of each script of which a number can be written, and of the mathematical digits.
const ZEROS: [char; 16] = [
    '0', '٠', '۰', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '０', '𝟎', '𝟘',
];

/// Numbers of one customer, with which texts about them are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNumbers {
    /// The last digits of each, which are the same with and without the code of the country.
    ends: Vec<String>,
}

impl KnownNumbers {
    /// Returns the numbers among some texts.
    pub fn of<'a>(numbers: impl IntoIterator<Item = &'a str>) -> Self {
        let digits = numbers.into_iter().map(digits);
        let long = digits.filter(|digits| digits.len() >= FEWEST_DIGITS);
        Self {
            ends: long
                .map(|digits| digits[digits.len() - FEWEST_DIGITS..].to_owned())
                .collect(),
        }
    }

    /// Returns a text with `stand_in` for each of the numbers in it, however it is written.
    pub fn hidden(&self, text: &str, stand_in: &str) -> String {
        if self.ends.is_empty() {
            return text.to_owned();
        }
        replaced(text, stand_in, |run| self.is_one(run))
    }

    fn is_one(&self, run: &str) -> bool {
        let all = digits(run);
        let significant = all.trim_start_matches('0');
        significant.len() >= FEWEST_DIGITS && self.ends.iter().any(|end| significant.contains(end))
    }

    /// Hides the numbers in all texts within a value, in the names of its fields, and in JSON's own numbers.
    pub fn hide_within(&self, value: &mut Value, stand_in: &str) {
        match value {
            Value::String(text) => *text = self.hidden(text, stand_in),
            Value::Number(number) if self.is_one(&number.to_string()) => *value = stand_in.into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_within(item, stand_in)),
            Value::Object(fields) => self.hide_fields(fields, stand_in),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Hides the numbers in fields and their names.
    pub fn hide_fields(&self, fields: &mut Map<String, Value>, stand_in: &str) {
        let names = self.shown_names(fields);
        let values = std::mem::take(fields).into_iter().map(|(_, value)| value);
        let shown = names.into_iter().zip(values).map(|(name, mut value)| {
            self.hide_within(&mut value, stand_in);
            (name, value)
        });
        *fields = shown.collect();
    }

    /// Returns the names of fields as they are shown, in the order of the fields. No two are the same.
    fn shown_names(&self, fields: &Map<String, Value>) -> Vec<String> {
        let mut taken = HashSet::new();
        let names = fields.keys().map(|name| {
            let bare = self.hidden(name, HIDDEN);
            let mut unique = bare.clone();
            for number in 2.. {
                if taken.insert(unique.clone()) {
                    break;
                }
                unique = format!("{bare} {number}");
            }
            unique
        });
        names.collect()
    }

    /// Returns fields as a person means them to whom the `stored` ones were `shown`: each that they left as it was shown stays
    /// as it is stored, or what stands for a number would take its place.
    pub fn restored(
        &self,
        changed: Map<String, Value>,
        stored: &Map<String, Value>,
        shown: &Map<String, Value>,
    ) -> Map<String, Value> {
        let names = self.shown_names(stored);
        let known: HashMap<&str, (&String, &Value)> = names.iter().map(String::as_str).zip(stored).collect();
        let meant = |(name, value): (String, Value)| match known.get(name.as_str()).zip(shown.get(&name)) {
            Some((&(of, stored), shown)) => (of.clone(), self.restored_value(value, stored, shown)),
            None => (name, value),
        };
        changed.into_iter().map(meant).collect()
    }

    fn restored_value(&self, changed: Value, stored: &Value, shown: &Value) -> Value {
        if changed == *shown {
            return stored.clone();
        }
        match (changed, stored, shown) {
            (Value::Object(changed), Value::Object(stored), Value::Object(shown)) => {
                Value::Object(self.restored(changed, stored, shown))
            }
            (Value::Array(changed), Value::Array(stored), Value::Array(shown)) => {
                // Items have no name: the first one that was shown like this is meant.
                let mut left: Vec<_> = stored.iter().zip(shown).collect();
                let items = changed.into_iter().map(|item| {
                    let at = left.iter().position(|(_, shown)| **shown == item);
                    at.map_or(item, |at| left.remove(at).0.clone())
                });
                Value::Array(items.collect())
            }
            (changed, _, _) => changed,
        }
    }
}

impl Customer {
    /// Returns the customer as they are shown to somebody who sees no numbers.
    #[must_use]
    pub fn without_numbers(&self) -> Self {
        let known = self.known_numbers();
        let hidden = |text: &str| known.hidden(text, HIDDEN);
        let mut attributes = self.attributes.clone();
        known.hide_fields(&mut attributes, HIDDEN);
        Self {
            name: if self.name_source == NameSource::Number {
                label(Some(self.id.0))
            } else {
                name_without(&self.name, Some(self.id.0))
            },
            phone: None,
            status: hidden(&self.status),
            photo_url: self.photo_url.as_deref().map(hidden),
            labels: self.labels.iter().map(|label| hidden(label)).collect(),
            attributes,
            ..self.clone()
        }
    }

    /// Returns the numbers that are known of the customer.
    pub fn known_numbers(&self) -> KnownNumbers {
        let name = (self.name_source == NameSource::Number).then_some(self.name.as_str());
        KnownNumbers::of(self.phone.iter().map(PhoneNumber::as_str).chain(name))
    }
}

/// Returns the name of a customer whose name is only a number.
pub fn label(of: Option<i64>) -> String {
    of.map_or_else(|| HIDDEN.to_owned(), |id| format!("Customer {id}"))
}

/// Returns the id of the customer whom this text means if it is a [`label`], in whatever case.
pub fn id_of_label(text: &str) -> Option<i64> {
    let (word, id) = text.trim().split_once(' ')?;
    let is_plain = word.eq_ignore_ascii_case("customer") && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { id.parse().ok() } else { None }
}

/// Returns a name without a number in it: that of the customer `of` if it was only a number.
pub fn name_without(name: &str, of: Option<i64>) -> String {
    if is_only_number(name) {
        return label(of);
    }
    text_without(name)
}

/// Returns whether a name is nothing but a phone number, as people write one, perhaps after the word WhatsApp.
pub fn is_only_number(name: &str) -> bool {
    let name = name.strip_prefix("WhatsApp ").unwrap_or(name);
    let is_part = |c: char| c.is_numeric() || is_between(c);
    name.chars().all(is_part) && is_number(name.trim_matches(is_between))
}

/// Returns a text without the numbers in it.
pub fn text_without(text: &str) -> String {
    replaced(text, HIDDEN, is_number)
}

/// Returns a text without the numbers in it, and without a word in their place.
pub fn text_bare(text: &str) -> String {
    replaced(text, "", is_number)
}

/// Returns an id of a message or a chat without the numbers in it, which stand before an `@`. What stands before that of a
/// LID is none.
pub fn id_without(id: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '-' || c == ':';
    let mut shown = String::with_capacity(id.len());
    let mut parts = id.split('@').peekable();
    while let Some(part) = parts.next() {
        let (kept, number) = part.split_at(part.trim_end_matches(is_part).len());
        let of_number = parts.peek().is_some_and(|server| !server.starts_with("lid"));
        shown.push_str(kept);
        let is_hidden = of_number && digits(number).len() >= FEWEST_DIGITS;
        shown.push_str(if is_hidden { HIDDEN } else { number });
        if parts.peek().is_some() {
            shown.push('@');
        }
    }
    shown
}

/// Returns a text without the digits that stand after an `@`: those of people who are mentioned.
pub fn mentions_without(text: &str) -> String {
    let mut parts = text.split('@');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        shown.push('@');
        shown.push_str(if end >= FEWEST_DIGITS { HIDDEN } else { &part[..end] });
        shown.push_str(&part[end..]);
    }
    shown
}

/// Returns a text with `stand_in` for each run of digits that `is_hidden`, with the `+` before it and all that stands
/// between its digits.
fn replaced(text: &str, stand_in: &str, is_hidden: impl Fn(&str) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_numeric() || is_plus(c)) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let end = from
            .find(|c: char| !c.is_numeric() && !is_between(c))
            .unwrap_or(from.len());
        // Marks on the last digit are its own.
        let run = from[..end].trim_end_matches(|c| is_between(c) && !is_unseen(c));
        // A plus sign alone.
        let run = if run.is_empty() { &from[..end] } else { run };
        shown.push_str(if is_hidden(run) { stand_in } else { run });
        rest = &from[run.len()..];
    }
    shown.push_str(rest);
    shown
}

/// Returns whether a run of digits and what stands between them is long enough for a number, and no date.
fn is_number(run: &str) -> bool {
    run.chars().filter(|c| c.is_numeric()).count() >= FEWEST_DIGITS && !is_date(run)
}

/// Returns whether a text is a date of this century or the last, such as 2026-11-30.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return false;
    };
    let within = |part: &str, digits: usize, least: u16, most: u16| {
        let is_plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        is_plain && part.parse().is_ok_and(|number: u16| (least..=most).contains(&number))
    };
    within(year, 4, 1900, 2099) && within(month, 2, 1, 12) && within(day, 2, 1, 31)
}

/// Returns the digits in a text, in whatever script they are, as those of ASCII.
pub fn digits(text: &str) -> String {
    let digit = |c: char| {
        let at = ZEROS.iter().map(|zero| u32::from(c).checked_sub(u32::from(*zero)));
        let value = at.flatten().find(|value| *value < 10);
        value.and_then(|value| char::from_digit(value, 10))
    };
    text.chars().filter_map(digit).collect()
}

const fn is_plus(c: char) -> bool {
    matches!(c, '+' | '＋')
}

/// Returns whether a character stands within a number as people write it: it separates digits, or shows nothing.
fn is_between(c: char) -> bool {
    let separates = matches!(
        c,
        '.' | '(' | ')' | '/' | '*' | '_' | '~' | '|' | '·' | '•' | '（' | '）' | '＊' | '＿' | '．'
    );
    let is_dash = matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    );
    let is_space = c.is_whitespace() && c != '\n';
    is_plus(c) || separates || is_dash || is_space || is_unseen(c)
}

/// Returns whether a character shows nothing, or is a mark on the one before it, such as that which makes a key of a digit.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}
