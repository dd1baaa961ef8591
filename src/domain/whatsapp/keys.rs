//! Keys of messages: the one that an event tells, and the one that the page is asked by.

use serde::{Deserialize, Serialize};

use super::WaContact;
use crate::domain::conversation::ChatKind;
use crate::domain::{ChatId, WaMessageId, WaUserId};

/// Key of a message that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageKey {
    /// Chat of the message.
    pub chat: ChatId,
    pub chat_kind: ChatKind,
    /// Stanza id of the message.
    pub id: WaMessageId,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// Sender, as in [`WaMessage::sender`].
    pub sender: WaUserId,
    /// Contact, as in [`WaMessage::contact`].
    pub contact: WaContact,
}

/// Reference to a message that the page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRef {
    /// Chat of the message.
    pub chat: ChatId,
    /// Stanza id of the message.
    pub id: WaMessageId,
    /// Whether our account wrote it.
    pub from_me: bool,
    /// In a group: the author, as the store or WhatsApp names them. Without it the page finds no message of somebody
    /// else in a group, except those in its memory.
    pub sender: Option<WaUserId>,
}

impl MessageRef {
    /// Creates a reference to a message of our account.
    pub const fn ours(chat: ChatId, id: WaMessageId) -> Self {
        Self {
            chat,
            id,
            from_me: true,
            sender: None,
        }
    }
}

impl From<&MessageKey> for MessageRef {
    fn from(key: &MessageKey) -> Self {
        Self {
            chat: key.chat.clone(),
            id: key.id.clone(),
            from_me: key.from_me,
            sender: (key.chat_kind == ChatKind::Group).then(|| key.sender.clone()),
        }
    }
}
