//! Agents: people who answer customers.

use super::signature::Signature;
use super::word::words;
use super::{AccountId, AgentId, MatrixUserId, Operation, Role, Timestamp, display_name, revision};

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
    /// Role of the agent.
    pub role: Role,
    /// Accounts that the agent is limited to; `None`: all.
    pub accounts: Option<Vec<AccountId>>,
    /// Signature under what the agent writes to customers; `None`: none.
    pub signature: Option<Signature>,
    /// Name of the zone, in the tz database, in which the agent gives times; `None`: that of the account.
    pub time_zone: Option<String>,
    /// Source of the decision to add the agent.
    pub source: AgentSource,
    /// Time of creation.
    pub created_at: Timestamp,
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

    /// Returns whether the agent works for an account.
    pub fn works_for(&self, account: AccountId) -> bool {
        self.is_active()
            && self
                .accounts
                .as_ref()
                .is_none_or(|accounts| accounts.contains(&account))
    }

    /// Returns whether the agent's role has the right to an operation.
    pub fn may(&self, operation: Operation) -> bool {
        let is_within = !operation.is_of_all_accounts() || self.accounts.is_none();
        self.role.scope() >= operation.scope() && is_within
    }

    /// Returns the agent's revision, which changes with every change of a person, in characters that are valid in an
    /// `ETag`.
    pub fn revision(&self) -> String {
        revision::of_fields(self.id, &self.fields())
    }

    /// Returns the names of the fields that differ from an earlier revision.
    pub fn differences(&self, known: &str) -> Vec<&'static str> {
        revision::different_fields(known, self.id, &self.fields())
    }

    fn fields(&self) -> [(&'static str, Option<String>); 7] {
        let accounts = self.accounts.as_ref().map(|accounts| format!("{accounts:?}"));
        [
            ("name", Some(self.name.clone())),
            ("matrix_user", self.matrix_user.as_ref().map(ToString::to_string)),
            ("role", Some(self.role.to_string())),
            ("accounts", accounts),
            ("active", Some(self.is_active().to_string())),
            (
                "signature",
                self.signature.as_ref().map(|text| text.as_str().to_owned()),
            ),
            ("time_zone", self.time_zone.clone()),
        ]
    }
}

/// Longest name of an agent or a key, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// Error: not a name for an agent or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// Too short or too long.
    #[error("a name has 1 to {MAX_NAME_CHARS} characters; choose another")]
    Length,
    /// It has characters that show nothing. Names are printed on terminals and in the audit log.
    #[error("a name has no control characters and no marks that show nothing; leave them out")]
    Invisible,
}

/// Returns a name that a person chose for an agent or a key, without spaces around it.
pub fn checked_name(name: &str) -> Result<String, NotAName> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(NotAName::Length);
    }
    let single_spaced = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().any(char::is_control) || display_name::clean(name) != Some(single_spaced) {
        return Err(NotAName::Invisible);
    }
    Ok(name.to_owned())
}

/// Returns the form of an agent's name by which names are compared: two that read the same are the same.
pub fn name_key(name: &str) -> String {
    let words = name.split_whitespace().collect::<Vec<_>>().join(" ");
    words.to_lowercase()
}
