//! Cards: the bot's own message in each room, which says how the conversation stands. Reactions to it are commands.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;
use crate::domain::{MatrixEventId, MatrixRoomId, Timestamp};

/// Interval between two changes of one card.
pub const SHOWN_EVERY: Duration = Duration::from_mins(1);

/// Reactions to a card that are commands: what is shown, the command that it is, and what it does in a word or two.
pub const ON_CARD: [(&str, &str, &str); 3] = [
    ("✋", "!assign me", "take"),
    ("✅", "!close", "close"),
    ("💤", "!snooze tomorrow morning", "until tomorrow morning"),
];

/// A card as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Id of the row; part of the transaction id.
    pub id: i64,
    /// Room of the card.
    pub room: MatrixRoomId,
    /// Event that is the card; `None` before the first, and after it was removed.
    pub event: Option<MatrixEventId>,
    /// Hash of what it says, or is about to say; empty where that is not known. What customers say is in their messages
    /// alone, and goes with them.
    pub hash: String,
    /// Number of this content, from 1; part of the transaction id.
    pub turn: i64,
    /// Whether the room shows this content.
    pub is_shown: bool,
    /// Time at which it last showed another content.
    pub shown_at: Option<Timestamp>,
}

impl Card {
    /// Returns the hash of what a card says.
    pub fn hash_of(content: &str) -> String {
        hex(&Sha256::digest(content)[..16])
    }

    /// Returns the earliest time at which it may show another content.
    pub fn next_at(&self, now: Timestamp) -> Timestamp {
        match self.shown_at {
            // One that is shown in the future was shown by a clock that was wrong.
            Some(shown) if shown <= now => shown.plus(SHOWN_EVERY).max(now),
            _ => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn card_changes_at_once_then_once_a_minute() {
        let card = |shown_at| Card {
            id: 1,
            room: "!r".into(),
            event: None,
            hash: String::new(),
            turn: 0,
            is_shown: true,
            shown_at,
        };
        let ago = |seconds| Some(NOW.minus(Duration::from_secs(seconds)));
        assert_eq!(card(None).next_at(NOW), NOW);
        assert_eq!(card(ago(61)).next_at(NOW), NOW);
        assert_eq!(card(ago(20)).next_at(NOW), NOW.plus(Duration::from_secs(40)));
        assert_eq!(card(Some(NOW.plus(SHOWN_EVERY))).next_at(NOW), NOW);
    }
}
