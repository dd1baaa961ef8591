//! Sub-spaces: Spaces inside the desk's, in one of which each conversation's room is, as the desk has it. They exist where the
//! homeserver is one's own; elsewhere they would use up its rate limit.

use crate::domain::conversation::ConversationStatus;
use crate::domain::{AgentId, MatrixUserId};

/// A sub-space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubSpace {
    /// Conversations that are open or pending, and that nobody has.
    Unassigned,
    /// Those that one agent has.
    Mine(AgentId),
    /// Those that sleep.
    Snoozed,
    /// Those that are closed.
    Closed,
}

impl SubSpace {
    /// Sub-spaces of all agents.
    pub const SHARED: [Self; 3] = [Self::Unassigned, Self::Snoozed, Self::Closed];

    /// Returns where a conversation belongs. `assignee`: the agent who has it, if they can work on it.
    pub const fn of(status: ConversationStatus, assignee: Option<AgentId>) -> Self {
        match (status, assignee) {
            (ConversationStatus::Closed, _) => Self::Closed,
            (ConversationStatus::Snoozed, _) => Self::Snoozed,
            (ConversationStatus::Open | ConversationStatus::Pending, Some(agent)) => Self::Mine(agent),
            (ConversationStatus::Open | ConversationStatus::Pending, None) => Self::Unassigned,
        }
    }

    /// Returns the word by which its Space is found again.
    pub fn key(self) -> String {
        match self {
            Self::Unassigned => "unassigned".to_owned(),
            Self::Mine(agent) => format!("agent{agent}"),
            Self::Snoozed => "snoozed".to_owned(),
            Self::Closed => "closed".to_owned(),
        }
    }

    /// Returns its place among the others: clients sort them by this.
    pub const fn order(self) -> &'static str {
        match self {
            Self::Unassigned => "1",
            Self::Mine(_) => "2",
            Self::Snoozed => "3",
            Self::Closed => "4",
        }
    }
}

/// A sub-space to be made exactly once: `alias` is the key (rule 19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubSpaceSpec {
    /// Local part of the alias.
    pub alias: String,
    /// Its name.
    pub name: String,
    /// Its place among the others.
    pub order: &'static str,
    /// Users to invite, unless they have left it by themselves.
    pub invite: Vec<MatrixUserId>,
    /// Users who must not be in it.
    pub exclude: Vec<MatrixUserId>,
    /// Whether it is one person's, which others do not find.
    pub is_personal: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_goes_before_assignee() {
        use ConversationStatus::{Closed, Open, Pending, Snoozed};
        let ada = AgentId(3);
        for (status, assignee, expected) in [
            (Open, None, SubSpace::Unassigned),
            (Pending, None, SubSpace::Unassigned),
            (Open, Some(ada), SubSpace::Mine(ada)),
            (Pending, Some(ada), SubSpace::Mine(ada)),
            (Snoozed, Some(ada), SubSpace::Snoozed),
            (Closed, None, SubSpace::Closed),
        ] {
            assert_eq!(SubSpace::of(status, assignee), expected, "{status} {assignee:?}");
        }
        assert_eq!(SubSpace::Mine(ada).key(), "agent3");
    }
}
