//! Reading of what may be shaped otherwise than we expect: what does not fit is nothing, and never an error.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A field, where it is there and of this shape.
pub(super) fn field<T: DeserializeOwned>(of: &Value, name: &str) -> Option<T> {
    serde_json::from_value(of.get(name)?.clone()).ok()
}

/// A text that is not empty.
pub(super) fn text(of: &Value, name: &str) -> Option<String> {
    field::<String>(of, name).filter(|text| !text.trim().is_empty())
}

/// A list, at most so many of it.
pub(super) fn list<'v>(of: &'v Value, name: &str, most: usize) -> impl Iterator<Item = &'v Value> + use<'v> {
    of.get(name).and_then(Value::as_array).into_iter().flatten().take(most)
}

/// A number, told as one or as its digits.
pub(super) fn number(of: &Value, name: &str) -> Option<f64> {
    let number = match of.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A count or a span, told as a number or as its digits; nothing below one.
pub(super) fn positive(of: &Value, name: &str) -> Option<u32> {
    let number = number(of, name)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float saturates, and it is not negative"
    )]
    (number >= 1.0).then_some(number as u32)
}

/// The beginning of a text.
pub(super) fn beginning(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}
