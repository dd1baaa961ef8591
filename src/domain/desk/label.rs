//! Labels of conversations and customers.

use std::str::FromStr;

use crate::domain::{LabelId, Timestamp, display_name};

/// Most labels that a desk has: lists show them all.
pub const MAX_LABELS: u64 = 500;
/// Most labels of one conversation.
pub const MAX_OF_CONVERSATION: usize = 20;
/// Most labels that are put on one customer.
pub const MAX_OF_CUSTOMER: usize = 20;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 50;
/// Longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 500;

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Id of the label.
    pub id: LabelId,
    /// Its name, unique whatever the case of its letters.
    pub name: String,
    /// `#` and six hexadecimal digits.
    pub color: Option<String>,
    /// Its purpose.
    pub description: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// Name of a label, as it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelName(String);

/// Error: the text cannot be the name of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label's name has 1 to {MAX_NAME_CHARS} visible characters, without `/`, `,` and `#`, does not begin with `+` or `-`, and \
     is not `.` or `..`; choose another"
)]
pub struct NotALabelName;

impl LabelName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in lower case, by which labels are told apart.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for LabelName {
    type Err = NotALabelName;

    fn from_str(text: &str) -> Result<Self, NotALabelName> {
        let name = display_name::clean(text).ok_or(NotALabelName)?;
        // `/` ends a part of a path, `,` a part of a list, `#` a path, and signs say "put on" and "take off".
        let is_reserved = name.contains(['/', ',', '#']) || name.starts_with(['+', '-']);
        // Clients take these out of a path, however they are written there (RFC 3986, section 5.2.4).
        let is_step = [".", ".."].contains(&name.as_str());
        if is_reserved || is_step || name.chars().count() > MAX_NAME_CHARS {
            return Err(NotALabelName);
        }
        Ok(Self(name))
    }
}

/// Returns whether a text is a colour: `#` and six hexadecimal digits.
pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_name_is_visible_and_without_separators() {
        for name in ["vip", "Заказ", "🔥 hot", "a b", "c++", "x-y"] {
            assert_eq!(name.parse::<LabelName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(MAX_NAME_CHARS + 1);
        for name in ["", "  ", "\u{200b}", "a/b", "a,b", "#1", "+vip", "-vip", &long] {
            assert!(name.parse::<LabelName>().is_err(), "{name}");
        }
        assert_eq!(" a  b ".parse::<LabelName>().unwrap().as_str(), "a b");
        assert_eq!("ÄB".parse::<LabelName>().unwrap().folded(), "äb");
    }

    #[test]
    fn label_of_dots_is_refused() {
        for name in [".", "..", " .. "] {
            assert!(name.parse::<LabelName>().is_err(), "{name}");
        }
        for name in ["...", ".net", "a.b"] {
            assert_eq!(name.parse::<LabelName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn color_is_hash_and_six_digits() {
        assert!(is_color("#00ffAA"));
        for wrong in ["00ffaa", "#00ffa", "#00ffaag", "red", "#00ffag", ""] {
            assert!(!is_color(wrong), "{wrong}");
        }
    }
}
