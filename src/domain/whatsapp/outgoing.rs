//! Outgoing messages with their content, and changes of messages that WhatsApp has.

use std::path::PathBuf;

use crate::domain::media::FileKind;
use crate::domain::message::details::{ContactCard, Location, Poll};
use crate::domain::{ChatId, WaMessageId, WaUserId};

/// An outgoing message.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMessage {
    /// Chat that it is sent in.
    pub chat: ChatId,
    /// Stanza id, chosen and stored before.
    pub id: WaMessageId,
    /// Content of the message.
    pub content: OutgoingContent,
    /// Message that it quotes.
    pub quoted: Option<QuotedKey>,
}

/// Content of an outgoing message.
#[derive(Clone, Debug, PartialEq)]
pub enum OutgoingContent {
    Text {
        text: String,
        /// Users who are mentioned in the text, as it has them after `@`.
        mentions: Vec<WaUserId>,
    },
    Location(Location),
    Contacts(Vec<ContactCard>),
    Poll(Poll),
    File(OutgoingFile),
}

/// An outgoing file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFile {
    /// Path at which the browser can read it, for at least an hour.
    pub path: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// Kind of message as which it is sent.
    pub kind: FileKind,
    /// Media type.
    pub mimetype: String,
    /// Name of the file.
    pub filename: Option<String>,
    /// Text under the file.
    pub caption: Option<String>,
    /// Users whom the caption mentions, each by `@` and their digits.
    pub mentions: Vec<WaUserId>,
}

impl OutgoingContent {
    /// Creates a text without mentions.
    pub const fn text(text: String) -> Self {
        Self::Text {
            text,
            mentions: Vec::new(),
        }
    }
}

/// What became of a message that the page has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// WhatsApp's ack number of the message.
    pub ack: i32,
    /// Whether it went out without the message that it quotes, which the page did not have any more.
    pub quote_lost: bool,
}

/// A change of a message that WhatsApp has.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingChange {
    /// Chat of the message.
    pub chat: ChatId,
    /// Stanza id of the message.
    pub id: WaMessageId,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// In a group: the author, as the store names them.
    pub sender: Option<WaUserId>,
    /// The change.
    pub change: MessageChange,
    /// Users whom an edit's text mentions, each by `@` and their digits.
    pub mentions: Vec<WaUserId>,
}

/// Kind of change. Each is idempotent: a second request finds it done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange {
    /// Replaces the text, or the caption of a file.
    Edit(String),
    /// Deletes the message for everyone.
    Delete,
    /// Sets our reaction; an empty emoji removes it.
    React(String),
}

impl MessageChange {
    /// Returns whether the change brings something new to the other side, as a message does: other words, or a reaction. A
    /// deletion and the removal of a reaction only take back.
    pub const fn reaches_the_reader(&self) -> bool {
        match self {
            Self::Edit(_) => true,
            Self::React(emoji) => !emoji.is_empty(),
            Self::Delete => false,
        }
    }
}

/// Key with which a quoted message can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedKey {
    /// Stanza id of the message.
    pub id: WaMessageId,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// In a group: the author, as the store names them.
    pub sender: Option<WaUserId>,
}
