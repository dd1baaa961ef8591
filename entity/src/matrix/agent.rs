//! Agents: people who answer customers.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AgentId, MatrixUserId};

/// A row of `agents`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "agents")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: AgentId,
    /// Name that is shown.
    pub name: String,
    /// Matrix user of the agent.
    #[sea_orm(unique)]
    pub matrix_user: Option<MatrixUserId>,
    pub created_at: i64,
    /// Source of the decision to add the agent; `None` in rows older than the column.
    pub source: Option<String>,
    /// Time of the deactivation; `None` while active.
    pub deactivated_at: Option<i64>,
    /// Source of the deactivation: a word of `AgentSource`.
    pub deactivated_by: Option<String>,
    /// Role of the agent: a word of `Role`; `None` in rows older than the column.
    pub role: Option<String>,
    /// A JSON list of account ids; null means all accounts.
    pub accounts: Option<String>,
    /// Name in lower case while the agent is active, so that no two active agents have one name; `None` in rows older than
    /// the column.
    #[sea_orm(unique)]
    pub active_name: Option<String>,
    /// Signature under the agent's texts.
    #[serde(default)]
    pub signature: Option<String>,
    /// Name of the agent's time zone in the tz database.
    #[serde(default)]
    pub time_zone: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
