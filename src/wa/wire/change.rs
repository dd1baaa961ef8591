//! What happens to a message after it was written, as the page tells it.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::{WireMessage, WirePerson, chat_kind, details, sender_in, stanza_id, whole};
use crate::domain::conversation::ChatKind;
use crate::domain::whatsapp::{MessageKey, PageEvent, WaReaction, WaVote};
use crate::domain::{ChatId, Timestamp, WaUserId};

/// Numbers from here on are milliseconds: as seconds they would lie in the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTarget {
    chat: String,
    id: String,
    from_me: bool,
    sender: Option<String>,
    contact: WirePerson,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireReaction {
    emoji: Option<String>,
    reactor: WireReactor,
    t: Option<Number>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireVote {
    #[serde(default)]
    options: Value,
    voter: WireReactor,
    t: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReactor {
    from_me: bool,
    sender: String,
    contact: WirePerson,
}

impl WireTarget {
    fn domain(self) -> Result<MessageKey, String> {
        let chat_kind = chat_kind(&self.chat)?;
        Ok(MessageKey {
            sender: sender_in(chat_kind, self.from_me, self.sender)?,
            chat: ChatId(self.chat),
            chat_kind,
            id: stanza_id(self.id)?,
            from_me: self.from_me,
            contact: self.contact.domain(),
        })
    }
}

impl WireReaction {
    /// In a chat of two the side says who it is.
    pub fn domain(self, chat: ChatKind) -> WaReaction {
        let WireReactor {
            from_me,
            sender,
            contact,
        } = self.reactor;
        WaReaction {
            emoji: self.emoji.unwrap_or_default(),
            from_me,
            sender: WaUserId(if chat == ChatKind::Group { sender } else { String::new() }),
            contact: contact.domain(),
            at: self.t.as_ref().and_then(moment).unwrap_or(Timestamp::ZERO),
        }
    }
}

impl WireVote {
    pub fn domain(self, chat: ChatKind) -> WaVote {
        let WireReactor {
            from_me,
            sender,
            contact,
        } = self.voter;
        WaVote {
            options: details::options(&self.options),
            from_me,
            sender: WaUserId(if chat == ChatKind::Group { sender } else { String::new() }),
            contact: contact.domain(),
            at: self.t.as_ref().and_then(moment).unwrap_or(Timestamp::ZERO),
        }
    }
}

pub(super) fn voted(target: WireTarget, vote: WireVote) -> Result<PageEvent, String> {
    let target = target.domain()?;
    let vote = vote.domain(target.chat_kind);
    Ok(PageEvent::Voted { target, vote })
}

pub(super) fn moved(message: WireMessage, t: &Number) -> Result<PageEvent, String> {
    let message = message.domain()?;
    let target = message.key();
    let location = message.details.and_then(|details| details.location);
    Ok(PageEvent::Moved {
        target,
        location: location.ok_or("a place without a position")?,
        at: moment(t).ok_or("a time that is no number")?,
    })
}

pub(super) fn edited(message: WireMessage) -> Result<PageEvent, String> {
    let message = message.domain()?;
    Ok(PageEvent::Edited {
        target: message.key(),
        at: message.edited_at.unwrap_or(message.timestamp),
        content: message.content,
    })
}

pub(super) fn deleted(target: WireTarget, t: &Number) -> Result<PageEvent, String> {
    Ok(PageEvent::Deleted {
        target: target.domain()?,
        at: moment(t).ok_or("a time that is no number")?,
    })
}

pub(super) fn reacted(target: WireTarget, reaction: WireReaction) -> Result<PageEvent, String> {
    let target = target.domain()?;
    let reaction = reaction.domain(target.chat_kind);
    Ok(PageEvent::Reacted { target, reaction })
}

/// A time that is told in seconds by some versions of the page, and in milliseconds by others.
pub(super) fn moment(number: &Number) -> Option<Timestamp> {
    let whole = whole(number)?;
    Some(if whole.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs() {
        Timestamp(whole)
    } else {
        Timestamp::from_seconds(whole)
    })
}
