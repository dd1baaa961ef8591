//! API keys.

use serde::{Deserialize, Serialize};

use crate::domain::word::words;
use crate::domain::{AccountId, ApiKeyId, Timestamp};

words! {
    /// What a key may do, ordered from the least to the most: each scope includes those before it.
    Scope {
        /// See customers, conversations, messages and events.
        Read = "read",
        /// Send messages, mark conversations as read, say what customers are called.
        Send = "send",
        /// Link and unlink accounts, merge customers, decide about messages, work the outbox and the quarantine.
        Manage = "manage",
        /// Make and revoke keys, take backups.
        Admin = "admin",
    }
}

impl Scope {
    /// Returns the greatest of `words`; those that are no scopes grant nothing.
    pub fn greatest<S: AsRef<str>>(words: &[S]) -> Option<Self> {
        words.iter().filter_map(|word| word.as_ref().parse().ok()).max()
    }
}

/// A key without its secret, which is stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    pub id: ApiKeyId,
    pub name: String,
    /// The key's first characters, to tell keys apart.
    pub prefix: String,
    /// Words of [`Scope`].
    pub scopes: Vec<String>,
    /// The accounts that it is bound to; null for all.
    pub accounts: Option<Vec<AccountId>>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Asks for a new key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// 1 to 100 characters.
    pub name: String,
    pub scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key at its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key itself, shown this once.
    pub key: String,
    #[serde(flatten)]
    pub stored: KeyView,
}
