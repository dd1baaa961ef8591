//! Chats in the page's JSON.

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::ids::{chat_kind, identity};
use super::lenient::whole;
use super::person::WirePerson;
use crate::domain::conversation::ChatKind;
use crate::domain::display_name;
use crate::domain::whatsapp::{ChatSummary, Resolved, WaContact};
use crate::domain::{ChatId, Timestamp, WaMessageId};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChat {
    chat: String,
    contact: WirePerson,
    name: Option<String>,
    unread: Number,
    t: Option<Number>,
    last_message: Option<String>,
}

/// Parses the chats of a list. Chats of no person or group are left out; invalid ones too, with a warning.
pub fn chats(items: &[Box<RawValue>]) -> Vec<ChatSummary> {
    let read = items.iter().filter_map(|item| match chat(item.get()) {
        Ok(chat) => Some(chat),
        Err(_) if is_elsewhere(item.get()) => None,
        Err(error) => {
            tracing::warn!("a chat in the page's list was skipped: {error}");
            None
        }
    });
    read.collect()
}

/// Returns whether a chat is with neither a person nor a group: a channel, WhatsApp's own announcements, a bot.
fn is_elsewhere(raw: &str) -> bool {
    #[derive(Deserialize)]
    struct Id {
        chat: String,
    }
    let Ok(Id { chat }) = serde_json::from_str(raw) else {
        return false;
    };
    match chat_kind(&chat) {
        Ok(ChatKind::Group) => false,
        Ok(ChatKind::Direct) => identity(&chat).is_none(),
        Err(_) => true,
    }
}

/// Parses one chat.
pub(super) fn chat(raw: &str) -> Result<ChatSummary, String> {
    let wire: WireChat = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    let kind = chat_kind(&wire.chat)?;
    let contact = wire.contact.domain();
    if kind == ChatKind::Direct && contact.identities.is_empty() {
        return Err("the direct chat has no contact with a known id".to_owned());
    }
    Ok(ChatSummary {
        chat: ChatId(wire.chat),
        kind,
        contact,
        name: wire
            .name
            .filter(|_| kind == ChatKind::Group)
            .and_then(|name| display_name::clean(&name)),
        // WhatsApp stores −1 for a chat that was marked as unread by hand.
        unread: whole(&wire.unread).map_or(0, |unread| u32::try_from(unread.max(0)).unwrap_or(u32::MAX)),
        last_at: wire.t.as_ref().and_then(whole).map(Timestamp::from_seconds),
        last_message: wire.last_message.map(WaMessageId),
    })
}

/// The answer to a request for the chat of a number.
#[derive(Debug, Deserialize)]
pub struct WireResolved {
    chat: String,
    contact: WirePerson,
}

impl WireResolved {
    /// Converts to the domain's type.
    pub fn domain(self) -> Resolved {
        Resolved {
            chat: ChatId(self.chat),
            contact: self.contact.domain(),
        }
    }
}

/// Returns a chat of which only the id is known.
pub fn by_id(id: &str) -> Resolved {
    Resolved {
        chat: ChatId(id.to_owned()),
        contact: WaContact {
            identities: identity(id).into_iter().collect(),
            ..WaContact::default()
        },
    }
}
