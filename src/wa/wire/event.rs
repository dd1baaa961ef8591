//! The events of the page's queue.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::change::{self, WireTarget};
use super::group::WireGroup;
use super::ids::stanza_id;
use super::message::WireMessage;
use super::reaction::{WireReaction, WireVote};
use crate::domain::ChatId;
use crate::domain::whatsapp::PageEvent;

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent {
    Message(Box<WireMessage>),
    Ack {
        chat: String,
        ids: Vec<String>,
        ack: i32,
    },
    Edited {
        message: Box<WireMessage>,
    },
    Deleted {
        target: WireTarget,
        t: Number,
        #[serde(default)]
        by: Option<Value>,
    },
    Kept {
        target: WireTarget,
        kept: bool,
        t: Number,
    },
    Reacted {
        target: WireTarget,
        #[serde(flatten)]
        reaction: WireReaction,
    },
    Voted {
        target: WireTarget,
        #[serde(flatten)]
        vote: WireVote,
    },
    Moved {
        message: Box<WireMessage>,
        t: Number,
    },
    Group(Box<WireGroup>),
    Unreadable {
        error: String,
    },
    Oversized {
        chars: u64,
    },
}

/// Parses one event of the page. Returns [`PageEvent::Poison`] with the bytes for what cannot be parsed.
pub fn event(raw: &str) -> PageEvent {
    let parsed = match serde_json::from_str(raw) {
        Ok(WireEvent::Message(message)) => message.domain().map(|message| PageEvent::Message(Box::new(message))),
        Ok(WireEvent::Ack { chat, ids, ack }) => ack_event(chat, ids, ack),
        Ok(WireEvent::Edited { message }) => change::edited(*message),
        Ok(WireEvent::Deleted { target, t, by }) => change::deleted(target, &t, by.as_ref()),
        Ok(WireEvent::Kept { target, kept, t }) => change::kept(target, kept, &t),
        Ok(WireEvent::Reacted { target, reaction }) => change::reacted(target, reaction),
        Ok(WireEvent::Voted { target, vote }) => change::voted(target, vote),
        Ok(WireEvent::Moved { message, t }) => change::moved(*message, &t),
        Ok(WireEvent::Group(group)) => group.domain().map(|group| PageEvent::Group(Box::new(group))),
        Ok(WireEvent::Unreadable { error }) => Err(format!("the page script could not read the message: {error}")),
        Ok(WireEvent::Oversized { chars }) => Err(format!(
            "the event has {chars} characters, more than the page script passes on"
        )),
        Err(error) => Err(error.to_string()),
    };
    parsed.unwrap_or_else(|error| PageEvent::Poison {
        bytes: raw.as_bytes().to_vec(),
        error,
    })
}

fn ack_event(chat: String, ids: Vec<String>, ack: i32) -> Result<PageEvent, String> {
    let ids = ids.into_iter().map(stanza_id).collect::<Result<_, _>>()?;
    Ok(PageEvent::Ack {
        chat: ChatId(chat),
        ids,
        ack,
    })
}
