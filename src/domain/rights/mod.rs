//! Rights: what a key or an agent may do.

mod operations;
mod sight;

use super::AccountId;
use super::word::words;

pub use operations::Operation;
pub use sight::Sight;

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
        /// Create and revoke keys, add and change agents, take backups.
        Admin = "admin",
    }
}

words! {
    /// Role of an agent, from the least to the most: each includes those before it.
    #[derive(Default)]
    Role {
        /// Answers customers: the daily work.
        #[default]
        Agent = "agent",
        /// Also links accounts, merges customers and settles what went wrong.
        Manager = "manager",
        /// Also makes keys, and adds accounts and agents.
        Admin = "admin",
    }
}

impl Scope {
    /// Returns the greatest scope in `words`; words that are no scopes grant nothing.
    pub fn greatest<S: AsRef<str>>(words: &[S]) -> Option<Self> {
        words.iter().filter_map(|word| word.as_ref().parse().ok()).max()
    }
}

impl Role {
    /// Returns the greatest scope of a key that acts as an agent of this role.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Agent => Scope::Send,
            Self::Manager => Scope::Manage,
            Self::Admin => Scope::Admin,
        }
    }
}

/// Returns the accounts that two bounds leave; `None` bounds nothing.
pub fn within(one: Option<&[AccountId]>, other: Option<&[AccountId]>) -> Option<Vec<AccountId>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.iter().copied().filter(|id| other.contains(id)).collect()),
        (Some(only), None) | (None, Some(only)) => Some(only.to_vec()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_key_and_agent_leave_what_both_allow() {
        let [one, two, three] = [1, 2, 3].map(AccountId);
        assert_eq!(within(None, None), None);
        assert_eq!(within(Some(&[one]), None), Some(vec![one]));
        assert_eq!(within(None, Some(&[one, two])), Some(vec![one, two]));
        assert_eq!(within(Some(&[one, two]), Some(&[two, three])), Some(vec![two]));
        assert_eq!(within(Some(&[one]), Some(&[two])), Some(vec![]));
    }
}
