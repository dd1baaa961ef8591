//! WhatsApp's addresses: `<number>@c.us` for a phone number, `<n>@lid` for an account whose number may be hidden,
//! `<n>@g.us` for a group.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The address of an account or of the chat with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jid(String);

impl Jid {
    /// Creates an address by phone number, digits only.
    pub fn phone(number: &str) -> Self {
        Self(format!("{number}@c.us"))
    }

    /// Creates an address by LID, digits only.
    pub fn lid(lid: &str) -> Self {
        Self(format!("{lid}@lid"))
    }

    /// Creates the address of a group.
    pub fn group(id: &str) -> Self {
        Self(format!("{id}@g.us"))
    }

    /// Returns the whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the `@`.
    pub fn user(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    /// Returns whether this is a LID.
    pub fn is_lid(&self) -> bool {
        self.0.ends_with("@lid")
    }

    /// Returns whether this is a group.
    pub fn is_group(&self) -> bool {
        self.0.ends_with("@g.us")
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
