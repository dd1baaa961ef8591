//! Questions of the bot's in rooms: what an agent wants is done only if they still want it, now that they know more.

use std::time::Duration;

use crate::domain::message::Seen;
use crate::domain::word::words;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, Timestamp};

/// How long a question waits for its answer.
pub const ANSWERED_WITHIN: Duration = Duration::from_hours(1);
/// Reaction that answers a question with yes.
pub const YES: &str = "✅";

words! {
    /// Reason for a question.
    QuestionKind {
        /// A reaction that is a command reached us long after it was set.
        Late = "late",
        /// Others have written since the author looked.
        Overtaken = "overtaken",
    }
}

/// A question of the bot's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Reason for asking.
    pub kind: QuestionKind,
    /// Room of the question.
    pub room: MatrixRoomId,
    /// Event that waits for the answer.
    pub about: MatrixEventId,
    /// Author of that event, who alone may answer.
    pub author: MatrixUserId,
    /// Text of the question.
    pub content: String,
    /// Event to which a late reaction was set, and the reaction.
    pub late: Option<(MatrixEventId, String)>,
    /// Newest message that the question shows.
    pub seen: Option<MessageId>,
}

/// A question that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Id of the row.
    pub id: i64,
    /// The question.
    pub question: Question,
    /// Event that asks; `None` while it is not sent.
    pub event: Option<MatrixEventId>,
    /// Newest message past which its author has let what waits go, as it was when they were asked.
    pub allowed: Option<Seen>,
    /// Time at which it is given up.
    pub expires_at: Timestamp,
}

impl Asked {
    /// Returns whether something for the customer waits for the answer, which has not come.
    pub fn holds_back(&self) -> bool {
        self.question.kind == QuestionKind::Overtaken && self.allowed.is_none()
    }
}

/// Returns a reaction without what changes only how it looks: tone of the skin, and the choice between picture and text.
pub fn folded(emoji: &str) -> String {
    let is_look = |sign: char| matches!(sign, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    emoji.chars().filter(|sign| !is_look(*sign)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skin_tones_and_variants_of_emoji_fold() {
        for (emoji, expected) in [
            ("✋", "✋"),
            ("✋🏽", "✋"),
            ("✋🏿\u{fe0f}", "✋"),
            ("✅\u{fe0f}", YES),
            ("✔\u{fe0e}", "✔"),
            ("🔁", "🔁"),
            ("", ""),
            ("\u{fe0f}", ""),
            ("yes", "yes"),
        ] {
            assert_eq!(folded(emoji), expected, "{emoji:?}");
        }
    }
}
