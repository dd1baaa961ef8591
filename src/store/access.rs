//! API keys, as hashes only, and the record of what was done with them.

use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, ApiKeyId, Timestamp};

use super::{Store, StoreError, Tx};

/// A key to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    pub name: String,
    /// The key's first characters, for people to tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Words such as `read`, `send`, `manage`, `admin`.
    pub scopes: Vec<String>,
    /// The accounts that it is bound to; all when none.
    pub accounts: Option<Vec<AccountId>>,
    pub expires_at: Option<Timestamp>,
}

/// A key as it is stored: the key itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub accounts: Option<Vec<AccountId>>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl StoredApiKey {
    /// Whether the key still opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Store {
    /// The key with this hash, valid or not.
    pub async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<StoredApiKey>, StoreError> {
        todo!()
    }

    /// All of them, the first made first.
    pub async fn api_keys(&self) -> Result<Vec<StoredApiKey>, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn create_api_key(&mut self, new: &NewApiKey) -> Result<StoredApiKey, StoreError> {
        todo!()
    }

    /// Revokes a key for good; `None` when there is no such key.
    pub async fn revoke_api_key(&mut self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        todo!()
    }

    /// Notes that a key was used now.
    pub async fn touch_api_key(&mut self, id: ApiKeyId) -> Result<(), StoreError> {
        todo!()
    }

    /// Records who did what to what.
    pub async fn audit(
        &mut self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
    ) -> Result<(), StoreError> {
        todo!()
    }
}
