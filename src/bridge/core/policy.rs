//! How the desk behaves, decided once by the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::domain::MatrixUserId;
use crate::domain::history::HistoryDepth;
use crate::domain::media::MediaRules;
use crate::domain::pacing::Pace;

/// How the desk behaves, decided once by the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether there is a homeserver: without one, no work for rooms is written down.
    pub matrix: bool,
    /// Who is told of trouble.
    pub owner: Option<MatrixUserId>,
    pub read: ReadMode,
    /// How long after a message its chat is marked as read, in [`ReadMode::Auto`].
    pub read_delay: RangeInclusive<Duration>,
    /// The pause between two sends of one account.
    pub spacing: RangeInclusive<Duration>,
    /// A text that could not be handed over for this long is not sent any more (rule 4); none: it waits for ever.
    pub send_expires: Option<Duration>,
    /// First contacts, quiet hours, and the words of those who do not want to be written to.
    pub pace: Pace,
    pub media: MediaRules,
    /// How much of what is older than the first login is imported, where nobody says otherwise.
    pub history: HistoryDepth,
}

/// When customers see that their message was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// A random moment after the message, and before a reply.
    Auto,
    /// When an agent has read or answered it.
    Agent,
    Never,
}
