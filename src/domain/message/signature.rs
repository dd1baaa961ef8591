//! Signatures: what stands under an agent's texts toward the customer.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::display_name;

/// Longest signature, in characters.
pub const MAX_CHARS: usize = 200;
/// Most lines of a signature.
pub const MAX_LINES: usize = 2;

/// Signature of an agent: one or two lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signature(String);

/// Error: the text cannot be a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signature has 1 to {MAX_CHARS} characters in one or two lines, without control characters; write another, or null \
     for none"
)]
pub struct NotASignature;

impl Signature {
    /// Returns the lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a text with the signature under it, after an empty line. A text that ends with it already stays as it is.
    pub fn under(&self, text: &str) -> String {
        if self.is_under(text) {
            return text.to_owned();
        }
        format!("{}\n\n{}", text.trim_end(), self.0)
    }

    /// Returns whether a text ends with the signature, on lines of its own.
    pub fn is_under(&self, text: &str) -> bool {
        let before = text.trim_end().strip_suffix(&self.0);
        before.is_some_and(|before| before.ends_with('\n'))
    }

    /// Returns whether a template has written the signature elsewhere than at the end of its text, where it is not
    /// repeated.
    pub fn is_within(&self, text: &str) -> bool {
        text.contains(&self.0) && !self.is_under(text)
    }
}

impl FromStr for Signature {
    type Err = NotASignature;

    fn from_str(text: &str) -> Result<Self, NotASignature> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let is_short = text.chars().count() <= MAX_CHARS && text.lines().count() <= MAX_LINES;
        let is_plain = text
            .lines()
            .all(|line| display_name::clean(line).is_some() && !line.contains(char::is_control));
        if text.is_empty() || !is_short || !is_plain {
            return Err(NotASignature);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_stands_once_under_text() {
        let ada: Signature = "Ada\r\nSales".parse().unwrap();
        assert_eq!(ada.as_str(), "Ada\nSales");
        assert_eq!(ada.under("Hello"), "Hello\n\nAda\nSales");
        assert_eq!(ada.under(&ada.under("Hello")), "Hello\n\nAda\nSales");
        assert_eq!(
            ada.under("Ada\nSales"),
            "Ada\nSales\n\nAda\nSales",
            "no text but the signature"
        );
        assert!(ada.is_within("Ada\nSales wrote this") && !ada.is_within("Hello\nAda\nSales"));
    }

    #[test]
    fn text_that_is_no_signature_is_refused() {
        for text in ["Ada", "Ada, Sales", "— Ada\nSales", " Ada \n"] {
            assert!(text.parse::<Signature>().is_ok(), "{text:?}");
        }
        let long = "x".repeat(MAX_CHARS + 1);
        for text in ["", " \n ", "a\nb\nc", "a\n\nb", "a\u{7}", "a\tb", "\u{200b}", &long] {
            assert_eq!(text.parse::<Signature>(), Err(NotASignature), "{text:?}");
        }
    }
}
