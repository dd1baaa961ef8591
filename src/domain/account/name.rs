//! The name of an account. It is also a folder, a part of an address and a table of the configuration.

use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes.
const MAX_NAME: usize = 32;

/// A valid name of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountName(String);

/// Error: the text is not an [`AccountName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account's name is 1 to {MAX_NAME} small letters, digits, - and _, and begins with a letter, such as sales or shop-2"
)]
pub struct NotAnAccountName;

impl AccountName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = NotAnAccountName;

    fn from_str(text: &str) -> Result<Self, NotAnAccountName> {
        let takes = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= MAX_NAME && text.bytes().all(takes) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAccountName)
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_name_is_no_path_and_no_id() {
        for good in ["default", "sales", "shop-2", "a", "x_y"] {
            assert_eq!(good.parse::<AccountName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(33);
        for bad in [
            "",
            "2",
            "7up",
            "Sales",
            "-a",
            "..",
            "a/b",
            "a b",
            "a.b",
            "bäckerei",
            "a\0",
            &long,
        ] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad:?}");
        }
    }
}
