//! API keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::AccountRef;
pub use crate::domain::Scope;
use crate::domain::{AccountId, AgentId, ApiKeyId, Timestamp};

/// A key without its secret, which is not stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Agent as whom the key acts; absent for a key that acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Key that has taken the place of this one; absent while none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_to: Option<ApiKeyId>,
}

/// Request for a new key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Rights of the key.
    pub scope: Scope,
    /// Time after which the key is refused; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Accounts that the key is limited to; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<AccountRef>>,
    /// Agent as whom the key acts, with no more rights than the agent has; absent for a key that acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// Request for the successor of a key, with the same name, rights and bounds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long the old key still works, in seconds; absent for a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u64>,
    /// Time after which the successor is refused; absent for as long as the old key was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key at its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The key itself, shown only this once.
    pub key: String,
    /// The key as it is stored.
    #[serde(flatten)]
    pub stored: KeyView,
}
