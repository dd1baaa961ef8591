//! Agents: people who answer customers.

use super::word::words;
use super::{AgentId, MatrixUserId, Timestamp};

words! {
    /// Source of the decision that an agent is active or not.
    AgentSource {
        /// The configuration names the agent, or does not any more.
        Config = "config",
        /// A person at the desk. The configuration does not override a person's decision.
        Person = "person",
    }
}

/// An agent: a person who answers customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Id of the agent.
    pub id: AgentId,
    /// Name that is shown.
    pub name: String,
    /// Matrix user of the agent.
    pub matrix_user: Option<MatrixUserId>,
    /// Source of the decision to add the agent.
    pub source: AgentSource,
    /// Time and source of the deactivation; `None` while active.
    pub deactivated: Option<Deactivated>,
}

/// Deactivation of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deactivated {
    /// Time of the deactivation.
    pub at: Timestamp,
    /// Source of the decision.
    pub by: AgentSource,
}

impl Agent {
    /// Returns whether the agent is active: their messages go to customers.
    pub const fn is_active(&self) -> bool {
        self.deactivated.is_none()
    }
}
