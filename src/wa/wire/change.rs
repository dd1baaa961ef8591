//! Changes to an earlier message in the page's JSON: edits, deletions, reactions, votes and moves of a live location.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::details::deleter;
use super::ids::{chat_kind, sender_in, stanza_id};
use super::lenient::moment;
use super::message::WireMessage;
use super::person::WirePerson;
use super::reaction::{WireReaction, WireVote};
use crate::domain::ChatId;
use crate::domain::whatsapp::{MessageKey, PageEvent};

/// The key of the message that is changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTarget {
    chat: String,
    id: String,
    from_me: bool,
    sender: Option<String>,
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

/// Converts a vote in a poll.
pub(super) fn voted(target: WireTarget, vote: WireVote) -> Result<PageEvent, String> {
    let target = target.domain()?;
    let vote = vote.domain(target.chat_kind);
    Ok(PageEvent::Voted { target, vote })
}

/// Converts a new position of a live location.
pub(super) fn moved(message: WireMessage, t: &Number) -> Result<PageEvent, String> {
    let message = message.domain()?;
    let target = message.key();
    let location = message.details.and_then(|details| details.location);
    Ok(PageEvent::Moved {
        target,
        location: location.ok_or("the live location has no position")?,
        at: moment(t).ok_or("the time of the move is not a number")?,
    })
}

/// Converts an edit; the message is the whole new one.
pub(super) fn edited(message: WireMessage) -> Result<PageEvent, String> {
    let message = message.domain()?;
    Ok(PageEvent::Edited {
        target: message.key(),
        at: message.edited_at.unwrap_or(message.timestamp),
        content: message.content,
    })
}

/// Converts a deletion for everybody. `by`: the admin who did it, if that was not the author.
pub(super) fn deleted(target: WireTarget, t: &Number, by: Option<&Value>) -> Result<PageEvent, String> {
    Ok(PageEvent::Deleted {
        target: target.domain()?,
        at: moment(t).ok_or("the time of the deletion is not a number")?,
        by: by.and_then(deleter),
    })
}

/// Converts the keeping of a disappearing message, or its end.
pub(super) fn kept(target: WireTarget, is_kept: bool, t: &Number) -> Result<PageEvent, String> {
    Ok(PageEvent::Kept {
        target: target.domain()?,
        is_kept,
        at: moment(t).ok_or("the time of the keeping is not a number")?,
    })
}

/// Converts a reaction.
pub(super) fn reacted(target: WireTarget, reaction: WireReaction) -> Result<PageEvent, String> {
    let target = target.domain()?;
    let reaction = reaction.domain(target.chat_kind);
    Ok(PageEvent::Reacted { target, reaction })
}
