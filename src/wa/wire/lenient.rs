//! Lenient reading of JSON: a field that has an unexpected shape counts as missing, and is never an error.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::domain::Timestamp;

/// Maximum number of mentions, cards, options and votes kept of one message.
pub(super) const MAX_LISTED: usize = 1024;
/// Maximum length of a poll's option or question and of a place's name or address, in characters. WhatsApp's own are
/// shorter.
pub(super) const MAX_LINE_CHARS: usize = 1000;
/// Numbers from here on are milliseconds: as seconds they would lie in the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Reads a field, if it is there and of this type.
pub(super) fn field<T: DeserializeOwned>(of: &Value, name: &str) -> Option<T> {
    serde_json::from_value(of.get(name)?.clone()).ok()
}

/// Reads a text that is not blank.
pub(super) fn text(of: &Value, name: &str) -> Option<String> {
    field::<String>(of, name).filter(|text| !text.trim().is_empty())
}

/// Reads at most `most` items of a list.
pub(super) fn list<'v>(of: &'v Value, name: &str, most: usize) -> impl Iterator<Item = &'v Value> + use<'v> {
    of.get(name).and_then(Value::as_array).into_iter().flatten().take(most)
}

/// Reads a finite number, given as a number or as text.
pub(super) fn number(of: &Value, name: &str) -> Option<f64> {
    let number = match of.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Reads a count or a duration of at least 1, given as a number or as text.
pub(super) fn positive(of: &Value, name: &str) -> Option<u32> {
    let number = number(of, name)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float saturates, and it is not negative"
    )]
    (number >= 1.0).then_some(number as u32)
}

/// Returns the texts of a list without duplicates, at most [`MAX_LISTED`] of them, each cut to [`MAX_LINE_CHARS`].
pub(super) fn distinct_texts(list: &Value) -> Vec<String> {
    let mut texts = vec![];
    for item in list.as_array().into_iter().flatten().take(MAX_LISTED) {
        if let Some(item) = item.as_str() {
            let text = beginning(item, MAX_LINE_CHARS);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts
}

/// Returns the first `chars` characters of a text.
pub(super) fn beginning(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Converts a JSON number to an integer.
pub(super) fn whole(number: &Number) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates; times are whole seconds anyway"
    )]
    number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
}

/// Converts a time that some versions of the page give in seconds and others in milliseconds.
pub(super) fn moment(number: &Number) -> Option<Timestamp> {
    let whole = whole(number)?;
    Some(if whole.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs() {
        Timestamp(whole)
    } else {
        Timestamp::from_seconds(whole)
    })
}
