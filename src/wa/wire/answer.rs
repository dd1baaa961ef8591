//! The envelopes of the page script's answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::event;
use crate::domain::ChatId;
use crate::domain::whatsapp::{Batch, LookUp, PageMark};

/// The answer of every call of the page script.
#[derive(Debug, Deserialize)]
pub enum Answer<T> {
    /// The call was done.
    #[serde(rename = "ok")]
    Ok(T),
    /// The call was refused or failed.
    #[serde(rename = "error")]
    Error(Refusal),
}

/// Says why the page did not do what was asked. The message contains no name, number or text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// A word that the adapter decides by, such as `no_chat`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// True if certainly nothing was done.
    pub certain: bool,
}

/// The answer to one pull.
#[derive(Debug, Deserialize)]
pub struct Pull<'a> {
    /// Digits of the phone number that is logged in.
    pub me: Option<String>,
    #[serde(borrow)]
    pulled: Pulled<'a>,
    /// People who type; a page script of an earlier version says nothing.
    #[serde(borrow, default)]
    typing: Vec<&'a RawValue>,
}

/// Most states of typing that are read of one answer; the page keeps no more.
const MAX_TYPING: usize = 200;

#[derive(Debug, Deserialize)]
struct WireTyping {
    chat: String,
    on: bool,
}

#[derive(Debug, Deserialize)]
struct Pulled<'a> {
    epoch: String,
    seq: u64,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

impl Pull<'_> {
    /// Parses the events. The batch has no mark if there are none: there is nothing to acknowledge.
    pub fn batch(self) -> Batch {
        let Pulled { epoch, seq, events } = self.pulled;
        // What cannot be read is left out: it would be over soon.
        let typing = self.typing.into_iter().take(MAX_TYPING);
        let typing = typing.filter_map(|raw| serde_json::from_str::<WireTyping>(raw.get()).ok());
        Batch {
            typing: typing.map(|typing| (ChatId(typing.chat), typing.on)).collect(),
            mark: (!events.is_empty()).then_some(PageMark { epoch, seq }),
            events: events.into_iter().map(|raw| event(raw.get())).collect(),
        }
    }
}

/// One part of a long list.
#[derive(Debug, Deserialize)]
pub struct ListPage {
    /// The items of this part.
    pub items: Vec<Box<RawValue>>,
    /// The token that the next part is requested with; none in the last part.
    pub token: Option<u64>,
}

/// The answer to a send.
#[derive(Debug, Deserialize)]
pub struct Sent {
    /// WhatsApp's ack level of the message.
    pub ack: i32,
    /// Whether the page did not have the message to quote any more.
    #[serde(default, rename = "quoteLost")]
    pub quote_lost: bool,
}

/// The answer to a look-up of a message by its stanza id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireLookUp {
    /// The message is there, with this ack level.
    Found(i32),
    /// The page is certain that there is no such message.
    Absent(()),
    /// The page cannot tell, for this reason.
    Unclear(String),
}

impl WireLookUp {
    /// Converts to the domain's type.
    pub fn domain(self) -> LookUp {
        match self {
            Self::Found(ack) => LookUp::Found { ack },
            Self::Absent(()) => LookUp::Absent,
            Self::Unclear(why) => LookUp::Unclear(why),
        }
    }
}
