//! What customers say about being written to at all: words that mean "no more", words that mean "again", and what may still
//! be sent to somebody who has opted out.

use std::time::Duration;

use crate::domain::Timestamp;

/// Somebody who has opted out and then writes something else has begun to talk: they may be answered for so long.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(24);
/// What people put behind a word that stands alone.
const PUNCTUATION: [char; 6] = ['.', '!', '"', '\'', '“', '”'];

/// What a message as a whole means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    NoMore,
    Again,
}

/// The words that say so; matched against the whole message, in whatever case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentWords {
    no_more: Vec<String>,
    again: Vec<String>,
}

impl ConsentWords {
    pub fn new(no_more: &[String], again: &[String]) -> Self {
        let plain = |words: &[String]| words.iter().map(|word| plain(word)).collect();
        Self {
            no_more: plain(no_more),
            again: plain(again),
        }
    }

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

/// Whether somebody may be written to. `heard` is when they wrote last: WhatsApp knows whole seconds, so what they wrote in the
/// second in which they opted out is no later word.
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
