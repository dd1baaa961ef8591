//! API keys.

use serde::{Deserialize, Serialize};

use crate::domain::word::words;
use crate::domain::{AccountId, ApiKeyId, Timestamp};

words! {
    /// Rights of a key, from the least to the most: each scope includes those before it.
    Scope {
        /// Read customers, conversations, messages and events.
        Read = "read",
        /// Send messages, mark conversations as read, change customers' names.
        Send = "send",
        /// Link and unlink accounts, merge customers, settle messages of unknown outcome, work on the outbox and the
        /// quarantine.
        Manage = "manage",
        /// Create and revoke keys, take backups.
        Admin = "admin",
    }
}

impl Scope {
    /// Returns the greatest scope in `words`; words that are no scopes grant nothing.
    pub fn greatest<S: AsRef<str>>(words: &[S]) -> Option<Self> {
        words.iter().filter_map(|word| word.as_ref().parse().ok()).max()
    }
}

/// A key without its secret, which is not stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Id of the key.
    pub id: ApiKeyId,
    /// Name by which people know the key.
    pub name: String,
    /// First characters of the key, to tell keys apart.
    pub prefix: String,
    /// Words of [`Scope`].
    pub scopes: Vec<String>,
    /// Accounts that the key is limited to; null for all.
    pub accounts: Option<Vec<AccountId>>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time after which the key is refused; null for never.
    pub expires_at: Option<Timestamp>,
    /// Time of the revocation; null while it is not revoked.
    pub revoked_at: Option<Timestamp>,
    /// Time of the last request with the key.
    pub last_used_at: Option<Timestamp>,
}

/// Request for a new key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Rights of the key.
    pub scope: Scope,
    /// Time after which the key is refused; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key at its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key itself, shown only this once.
    pub key: String,
    /// The key as it is stored.
    #[serde(flatten)]
    pub stored: KeyView,
}
