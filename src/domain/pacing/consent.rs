//! Consent: words by which customers opt out and opt in, and whether a customer who has opted out may still be written
//! to.

use std::time::Duration;

use crate::domain::Timestamp;

/// Time for which a customer may be answered who has opted out and has written something else since.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(24);
/// Characters that people put around a single word.
const PUNCTUATION: [char; 6] = ['.', '!', '"', '\'', '“', '”'];

/// Meaning of a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The customer opts out.
    NoMore,
    /// The customer opts in again.
    Again,
}

/// Words for opting out and in, compared with the whole message, in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentWords {
    no_more: Vec<String>,
    again: Vec<String>,
}

impl ConsentWords {
    /// Creates the lists of words for opting out (`no_more`) and in (`again`).
    pub fn new(no_more: &[String], again: &[String]) -> Self {
        let plain = |words: &[String]| words.iter().map(|word| plain(word)).collect();
        Self {
            no_more: plain(no_more),
            again: plain(again),
        }
    }

    /// Returns the wish that a message states, if its whole text is one of the words.
    pub fn read(&self, text: &str) -> Option<Wish> {
        let said = plain(text);
        let is_one_of = |words: &[String]| !said.is_empty() && words.contains(&said);
        if is_one_of(&self.no_more) {
            Some(Wish::NoMore)
        } else {
            is_one_of(&self.again).then_some(Wish::Again)
        }
    }
}

fn plain(text: &str) -> String {
    let is_around = |c: char| c.is_whitespace() || PUNCTUATION.contains(&c);
    text.trim_matches(is_around).to_lowercase()
}

/// Returns whether a customer may be written to. `heard` is the time of their last message. WhatsApp's times are whole
/// seconds, so a message of the second of the opt-out is not later than it.
pub fn may_write(opted_out_at: Option<Timestamp>, heard: Option<Timestamp>, now: Timestamp) -> bool {
    let Some(opted_out_at) = opted_out_at else {
        return true;
    };
    heard.is_some_and(|heard| heard > opted_out_at && now.since(heard) <= ANSWER_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> ConsentWords {
        ConsentWords::new(
            &["STOP".to_owned(), "Ne m'écrivez plus".to_owned()],
            &["start".to_owned()],
        )
    }

    /// The word counts in any case, and with punctuation around it.
    #[test]
    fn consent_word_counts_only_as_whole_message() {
        for text in ["STOP", "stop", "  Stop\n", "Stop.", "\"stop!\"", "NE M'ÉCRIVEZ PLUS"] {
            assert_eq!(words().read(text), Some(Wish::NoMore), "{text:?}");
        }
        assert_eq!(words().read("Start!"), Some(Wish::Again));
        for text in ["", ".", "stop it", "Where is the bus stop?", "stopp", "st op"] {
            assert_eq!(words().read(text), None, "{text:?}");
        }
        assert_eq!(ConsentWords::default().read("stop"), None, "no words, no wish");
    }

    /// The day begins when the customer writes something other than the word.
    #[test]
    fn opted_out_customer_is_answered_for_a_day() {
        let at = |hours: i64| Timestamp(hours * 3_600_000);
        assert!(may_write(None, None, at(0)));
        assert!(!may_write(Some(at(5)), None, at(6)));
        assert!(!may_write(Some(at(5)), Some(at(5)), at(6)), "the word itself");
        assert!(!may_write(Some(at(5)), Some(at(4)), at(6)), "what came before");
        assert!(may_write(Some(at(5)), Some(at(6)), at(30)));
        assert!(!may_write(Some(at(5)), Some(at(6)), at(31)));
    }
}
