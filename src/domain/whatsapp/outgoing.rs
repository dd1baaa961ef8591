//! What goes out to WhatsApp: messages and what they carry, and changes of messages that are there.

use std::path::PathBuf;

use crate::domain::media::FileKind;
use crate::domain::message::details::{ContactCard, Location, Poll};
use crate::domain::{ChatId, WaMessageId, WaUserId};

/// A message on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMessage {
    pub chat: ChatId,
    /// Chosen and stored before.
    pub id: WaMessageId,
    pub content: OutgoingContent,
    /// The message that it replies to.
    pub quoted: Option<QuotedKey>,
}

/// What a message on its way out carries.
#[derive(Clone, Debug, PartialEq)]
pub enum OutgoingContent {
    Text {
        text: String,
        /// Who is called by name in it, as the text has them after `@`.
        mentions: Vec<WaUserId>,
    },
    Location(Location),
    Contacts(Vec<ContactCard>),
    Poll(Poll),
    File(OutgoingFile),
}

/// A file on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFile {
    /// Where the browser can read it, for an hour at least.
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
    pub kind: FileKind,
    pub mimetype: String,
    pub filename: Option<String>,
    pub caption: Option<String>,
}

impl OutgoingContent {
    pub const fn text(text: String) -> Self {
        Self::Text {
            text,
            mentions: Vec::new(),
        }
    }
}

/// A change of a message that WhatsApp has.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingChange {
    pub chat: ChatId,
    pub id: WaMessageId,
    pub from_me: bool,
    /// In a group: who wrote it, as the store has them.
    pub sender: Option<WaUserId>,
    pub change: MessageChange,
}

/// What is to be changed. Each may be asked for again and is then done already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange {
    Edit(String),
    /// For everyone.
    Delete,
    /// Empty takes our emoji away.
    React(String),
}

/// Enough to find a quoted message again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedKey {
    pub id: WaMessageId,
    pub from_me: bool,
    /// In a group: who wrote it, as the store has them.
    pub sender: Option<WaUserId>,
}
