//! Agents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::customer::present;
use crate::domain::agent::{Agent, AgentSource};
use crate::domain::{AccountId, AgentId, MatrixUserId, Role, Timestamp};

/// An agent: a person who answers customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentView {
    /// Id of the agent.
    pub id: AgentId,
    /// Name that colleagues see.
    pub name: String,
    /// Matrix user of the agent; null without one.
    pub matrix_user: Option<MatrixUserId>,
    /// Role of the agent.
    pub role: Role,
    /// Accounts that the agent is limited to; null for all.
    pub accounts: Option<Vec<AccountId>>,
    /// Whether the agent works at the desk: what they write reaches customers.
    pub active: bool,
    /// Source of the decision to add the agent.
    pub source: AgentSource,
    /// Time of the deactivation; null while active.
    pub deactivated_at: Option<Timestamp>,
    /// Source of the deactivation; null while active.
    pub deactivated_by: Option<AgentSource>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Signature under what the agent writes to customers; null for none.
    #[serde(default)]
    pub signature: Option<String>,
    /// Name of the zone in which the agent gives times; null for that of the account.
    #[serde(default)]
    pub time_zone: Option<String>,
}

/// An account, by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "this is no account; give its id, or its name as text")]
pub enum AccountRef {
    /// By its id.
    Id(AccountId),
    /// By its name, or its id as text.
    Name(String),
}

/// Request for a new agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Name, 1 to 100 characters, which no other active agent has.
    pub name: String,
    /// Matrix user, such as `@ada:example.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix_user: Option<String>,
    /// Role of the agent; absent for `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Accounts that the agent is limited to; absent or null for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<AccountRef>>,
    /// Signature under what the agent writes to customers: up to 200 characters in one or two lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Zone in which the agent gives times, by its name in the tz database, such as `Europe/London`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Request to change an agent. An absent field is not changed.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAgent {
    /// Name.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// Matrix user, or null for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub matrix_user: Option<Option<String>>,
    /// Role.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Role")]
    pub role: Option<Role>,
    /// Accounts, or null for all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Option<Vec<AccountRef>>>,
    /// Whether the agent works at the desk.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub active: Option<bool>,
    /// Signature, or null for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub signature: Option<Option<String>>,
    /// Name of the time zone, or null for that of the account.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Option<String>>,
}

impl From<Agent> for AgentView {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id,
            active: agent.is_active(),
            name: agent.name,
            matrix_user: agent.matrix_user,
            role: agent.role,
            accounts: agent.accounts,
            source: agent.source,
            deactivated_at: agent.deactivated.map(|end| end.at),
            deactivated_by: agent.deactivated.map(|end| end.by),
            created_at: agent.created_at,
            signature: agent.signature.map(|text| text.as_str().to_owned()),
            time_zone: agent.time_zone,
        }
    }
}

impl From<&Agent> for AgentView {
    fn from(agent: &Agent) -> Self {
        agent.clone().into()
    }
}
