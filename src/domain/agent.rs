//! A person who answers customers.

use super::word::words;
use super::{AgentId, MatrixUserId, Timestamp};

words! {
    /// By whose will an agent answers, or answers no more.
    AgentSource {
        /// The configuration names them, or has ceased to.
        Config = "config",
        /// A person at the desk. The configuration does not change what a person decided.
        Person = "person",
    }
}

/// A person who answers customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub matrix_user: Option<MatrixUserId>,
    /// Who added them.
    pub source: AgentSource,
    /// Since when they answer no more, where that is so.
    pub deactivated: Option<Deactivated>,
}

/// An agent's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deactivated {
    pub at: Timestamp,
    pub by: AgentSource,
}

impl Agent {
    /// Whether what they write goes out to customers.
    pub const fn is_active(&self) -> bool {
        self.deactivated.is_none()
    }
}
