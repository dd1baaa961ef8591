//! The caller of a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, AgentId, ApiKeyId, Scope};

/// The holder of a key, as the server knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerView {
    /// Id of the key.
    pub key_id: ApiKeyId,
    /// Name of the agent as whom the key acts, or of the key.
    pub name: String,
    /// Rights: those of the key, and no more than the agent has.
    pub scope: Scope,
    /// Accounts that they are limited to; null for all.
    pub accounts: Option<Vec<AccountId>>,
    /// Agent as whom the key acts; null for a key that acts for itself.
    pub agent_id: Option<AgentId>,
    /// Name of the agent's time zone; null without one.
    pub time_zone: Option<String>,
}
