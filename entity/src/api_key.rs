//! API keys: the hash of each, never the key.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AgentId, ApiKeyId};

/// A row of `api_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ApiKeyId,
    /// Name by which people know the key.
    pub name: String,
    /// First characters of the key.
    pub prefix: String,
    /// SHA-256 in hexadecimal.
    #[sea_orm(unique)]
    pub hash: String,
    /// A JSON list of scopes.
    pub scopes: String,
    /// A JSON list of account ids; null means all accounts.
    pub accounts: Option<String>,
    pub created_at: i64,
    /// Time after which the key is refused.
    pub expires_at: Option<i64>,
    /// Time of the revocation.
    pub revoked_at: Option<i64>,
    /// Time of the last request with the key.
    pub last_used_at: Option<i64>,
    /// Agent as whom the key acts; null for a key that acts for itself.
    pub agent_id: Option<AgentId>,
    /// First key of the succession to which this one belongs; null means the key itself.
    pub owner_id: Option<ApiKeyId>,
    /// Key that has taken the place of this one.
    pub rotated_to: Option<ApiKeyId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
