//! Typed attributes of customers: definitions of names that a desk agrees on. An attribute without a definition is free.

use std::str::FromStr;

use jiff::civil::Date;
use serde_json::{Number, Value};

use crate::domain::word::words;
use crate::domain::{AttributeId, Timestamp, display_name};

/// Most definitions that a desk has: lists show them all, and a change of a customer reads them all.
pub const MAX_ATTRIBUTES: u64 = 200;
/// Most choices of one definition.
pub const MAX_CHOICES: usize = 100;
/// Longest choice, in characters.
pub const MAX_CHOICE_CHARS: usize = 100;
/// Longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 500;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 50;
/// Longest address, in bytes.
const MAX_URL_BYTES: usize = 2048;
/// Most choices that a sentence names.
const CHOICES_NAMED: usize = 20;

words! {
    /// Kind of the values that an attribute takes.
    AttributeKind {
        /// A text.
        Text = "text",
        /// A number.
        Number = "number",
        /// True or false.
        Boolean = "boolean",
        /// A date, as a text such as `2026-12-31`.
        Date = "date",
        /// An address that begins with `http://` or `https://`.
        Url = "url",
        /// One of the choices of the definition.
        Choice = "choice",
    }
}

/// Definition of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Id of the definition.
    pub id: AttributeId,
    /// Its name, by which customers have it.
    pub name: String,
    /// Kind of its values.
    pub kind: AttributeKind,
    /// The values that it takes; empty unless it is a choice.
    pub choices: Vec<String>,
    /// Its purpose.
    pub description: Option<String>,
    /// Number of its changes, from 1.
    pub revision: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl Attribute {
    /// Returns the entity tag, without quotation marks.
    pub fn tag(&self) -> String {
        self.revision.to_string()
    }

    /// Checks a value of a customer. Null is none, and always taken. Fails with a sentence that says what is taken.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.takes(value) {
            Ok(())
        } else {
            Err(format!("{}, or null for none", self.taken()))
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (_, Value::Null) | (AttributeKind::Number, Value::Number(_)) | (AttributeKind::Boolean, Value::Bool(_)) => {
                true
            }
            (AttributeKind::Text, Value::String(text)) => !text.contains('\0'),
            (AttributeKind::Date, Value::String(text)) => is_date(text),
            (AttributeKind::Url, Value::String(text)) => is_url(text),
            (AttributeKind::Choice, Value::String(text)) => self.choices.contains(text),
            _ => false,
        }
    }

    /// Reads a value that a person types. Fails with a sentence that says what is taken.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            AttributeKind::Number => text.trim().parse::<Number>().ok().map(Value::Number),
            AttributeKind::Boolean => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" => Some(Value::Bool(true)),
                "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            AttributeKind::Text | AttributeKind::Date | AttributeKind::Url | AttributeKind::Choice => {
                Some(Value::String(text.to_owned()))
            }
        };
        value.filter(|value| self.takes(value)).ok_or_else(|| self.taken())
    }

    /// Says which values are taken, and what to do.
    fn taken(&self) -> String {
        let what = match self.kind {
            AttributeKind::Text => "a text without NUL characters".to_owned(),
            AttributeKind::Number => "a number, such as 12.5".to_owned(),
            AttributeKind::Boolean => "true or false".to_owned(),
            AttributeKind::Date => "a date, as a text such as \"2026-12-31\"".to_owned(),
            AttributeKind::Url => {
                format!("an address of at most {MAX_URL_BYTES} bytes that begins with http:// or https://")
            }
            AttributeKind::Choice => {
                let mut named = self
                    .choices
                    .iter()
                    .take(CHOICES_NAMED)
                    .map(String::as_str)
                    .collect::<Vec<_>>();
                let more = self.choices.len().saturating_sub(CHOICES_NAMED);
                let more = format!("{more} more");
                if self.choices.len() > CHOICES_NAMED {
                    named.push(&more);
                }
                format!("one of: {}", named.join(", "))
            }
        };
        format!("`{}` takes {what}; give such a value", self.name)
    }
}

/// Returns whether a text is a date that exists, written with four, two and two digits.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    text.len() <= MAX_URL_BYTES
        && host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.ends_with('@'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Name of an attribute, as a definition may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeName(String);

/// Error: the text cannot be the name of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an attribute's name begins with a letter and has 1 to {MAX_NAME_CHARS} letters, digits, `_` and `-`; choose another"
)]
pub struct NotAnAttributeName;

impl AttributeName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AttributeName {
    type Err = NotAnAttributeName;

    fn from_str(text: &str) -> Result<Self, NotAnAttributeName> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if text.starts_with(char::is_alphabetic) && text.chars().all(is_part) && text.chars().count() <= MAX_NAME_CHARS
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAttributeName)
        }
    }
}

/// Error: a kind does not go with these choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongChoices {
    /// A choice without any.
    #[error("a choice needs its values; name 1 to {MAX_CHOICES}")]
    None,
    /// Too many.
    #[error("a choice has at most {MAX_CHOICES} values; name fewer")]
    TooMany,
    /// Another kind with some.
    #[error("only the kind `choice` has choices; leave them out")]
    NotAChoice,
    /// One that nobody could choose.
    #[error(
        "a value of a choice has 1 to {MAX_CHOICE_CHARS} visible characters, no space at its ends, and stands once; change it"
    )]
    BadValue,
}

/// Fails unless these can be the choices of an attribute of this kind.
pub fn check_choices(kind: AttributeKind, choices: &[String]) -> Result<(), WrongChoices> {
    if kind != AttributeKind::Choice {
        return if choices.is_empty() {
            Ok(())
        } else {
            Err(WrongChoices::NotAChoice)
        };
    }
    if choices.is_empty() {
        return Err(WrongChoices::None);
    }
    if choices.len() > MAX_CHOICES {
        return Err(WrongChoices::TooMany);
    }
    for (at, choice) in choices.iter().enumerate() {
        let is_clean = display_name::clean(choice).is_some_and(|clean| clean == *choice);
        if !is_clean || choice.chars().count() > MAX_CHOICE_CHARS || choices[..at].contains(choice) {
            return Err(WrongChoices::BadValue);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attribute(kind: AttributeKind) -> Attribute {
        let is_choice = kind == AttributeKind::Choice;
        Attribute {
            id: AttributeId(1),
            name: "plan".to_owned(),
            kind,
            choices: if is_choice {
                vec!["free".to_owned(), "pro".to_owned()]
            } else {
                vec![]
            },
            description: None,
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn each_kind_takes_its_values_and_null() {
        use AttributeKind::{Boolean, Choice, Date, Number, Text, Url};
        let long = format!("https://example.org/{}", "x".repeat(MAX_URL_BYTES));
        for (kind, taken, refused) in [
            (
                Text,
                vec![json!(""), json!("a b\nc"), json!("007")],
                vec![json!(7), json!(true), json!(["a"]), json!("a\0")],
            ),
            (
                Number,
                vec![json!(0), json!(-1.5), json!(1e30)],
                vec![json!("7"), json!(false), json!({})],
            ),
            (
                Boolean,
                vec![json!(true), json!(false)],
                vec![json!("true"), json!(1), json!([])],
            ),
            (
                Date,
                vec![json!("2026-12-31"), json!("2024-02-29")],
                vec![
                    json!("2026-02-29"),
                    json!("2026-1-1"),
                    json!("31.12.2026"),
                    json!("20261231"),
                    json!("2026-12-31T"),
                    json!(2026),
                ],
            ),
            (
                Url,
                vec![json!("https://example.org"), json!("http://example.org:80/a?b#c")],
                vec![
                    json!("example.org"),
                    json!("ftp://example.org"),
                    json!("javascript:x"),
                    json!("https://"),
                    json!("https:///x"),
                    json!("https://a b"),
                    json!(long),
                    json!(1),
                ],
            ),
            (
                Choice,
                vec![json!("free"), json!("pro")],
                vec![json!("Free"), json!("gold"), json!(""), json!(["free"])],
            ),
        ] {
            let attribute = attribute(kind);
            assert_eq!(attribute.check(&Value::Null), Ok(()));
            for value in taken {
                assert_eq!(attribute.check(&value), Ok(()), "{kind} {value}");
            }
            for value in refused {
                let why = attribute.check(&value).unwrap_err();
                assert!(why.starts_with("`plan` takes "), "{kind} {value}: {why}");
            }
        }
        let why = attribute(Choice).check(&json!("gold")).unwrap_err();
        assert_eq!(
            why,
            "`plan` takes one of: free, pro; give such a value, or null for none"
        );
    }

    #[test]
    fn typed_text_is_read_by_kind() {
        use AttributeKind::{Boolean, Choice, Number, Text};
        for (kind, text, value) in [
            (Text, "7", Some(json!("7"))),
            (Number, " 12.5 ", Some(json!(12.5))),
            (Number, "12,5", None),
            (Number, "x", None),
            (Boolean, "Yes", Some(json!(true))),
            (Boolean, "off", Some(json!(false))),
            (Boolean, "1", None),
            (Choice, "pro", Some(json!("pro"))),
            (Choice, "gold", None),
        ] {
            assert_eq!(attribute(kind).read(text).ok(), value, "{kind} {text}");
        }
    }

    #[test]
    fn attribute_name_can_stand_in_path_and_template() {
        for name in ["plan", "shop_id", "Größe", "customer-tier", "x2"] {
            assert_eq!(name.parse::<AttributeName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(MAX_NAME_CHARS + 1);
        for name in ["", " plan", "a b", "a/b", "a.b", "a=b", "2x", "_x", "-x", "a\0", &long] {
            assert!(name.parse::<AttributeName>().is_err(), "{name}");
        }
    }

    #[test]
    fn only_choice_has_choices_and_each_once() {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(check_choices(AttributeKind::Text, &[]), Ok(()));
        assert_eq!(
            check_choices(AttributeKind::Text, &texts(&["a"])),
            Err(WrongChoices::NotAChoice)
        );
        assert_eq!(check_choices(AttributeKind::Choice, &texts(&["a", "A b"])), Ok(()));
        assert_eq!(check_choices(AttributeKind::Choice, &[]), Err(WrongChoices::None));
        for wrong in [&["a", "a"][..], &[""], &[" a"], &["a\u{202e}b"], &["a\nb"]] {
            assert_eq!(
                check_choices(AttributeKind::Choice, &texts(wrong)),
                Err(WrongChoices::BadValue),
                "{wrong:?}"
            );
        }
        let many: Vec<_> = (0..=MAX_CHOICES).map(|n| n.to_string()).collect();
        assert_eq!(check_choices(AttributeKind::Choice, &many), Err(WrongChoices::TooMany));
    }
}
