//! Reactions and votes in the page's JSON.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::lenient::{distinct_texts, moment};
use super::person::WirePerson;
use crate::domain::conversation::ChatKind;
use crate::domain::whatsapp::{WaReaction, WaVote};
use crate::domain::{Timestamp, WaUserId};

/// One reaction; an empty or missing emoji withdraws an earlier one.
#[derive(Debug, Deserialize)]
pub(super) struct WireReaction {
    emoji: Option<String>,
    reactor: WireAuthor,
    t: Option<Number>,
}

/// One person's vote in a poll.
#[derive(Debug, Deserialize)]
pub(super) struct WireVote {
    #[serde(default)]
    options: Value,
    voter: WireAuthor,
    t: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAuthor {
    from_me: bool,
    sender: String,
    contact: WirePerson,
}

impl WireAuthor {
    /// Returns the author's id as it is stored: the LID, which does not change, if it is known. None in a direct chat,
    /// where the direction identifies the author.
    fn stored_id(&self, chat: ChatKind) -> WaUserId {
        WaUserId(if chat == ChatKind::Group {
            self.contact.lid().unwrap_or(&self.sender).to_owned()
        } else {
            String::new()
        })
    }
}

impl WireReaction {
    /// Converts to the domain's type.
    pub fn domain(self, chat: ChatKind) -> WaReaction {
        WaReaction {
            emoji: self.emoji.unwrap_or_default(),
            from_me: self.reactor.from_me,
            sender: self.reactor.stored_id(chat),
            contact: self.reactor.contact.domain(),
            at: self.t.as_ref().and_then(moment).unwrap_or(Timestamp::ZERO),
        }
    }
}

impl WireVote {
    /// Converts to the domain's type.
    pub fn domain(self, chat: ChatKind) -> WaVote {
        WaVote {
            options: distinct_texts(&self.options),
            from_me: self.voter.from_me,
            sender: self.voter.stored_id(chat),
            contact: self.voter.contact.domain(),
            at: self.t.as_ref().and_then(moment).unwrap_or(Timestamp::ZERO),
        }
    }
}
