//! WhatsApp's ids, parsed.

use crate::domain::conversation::ChatKind;
use crate::domain::customer::{Identity, PhoneNumber};
use crate::domain::{WaMessageId, WaUserId};

/// Maximum length of a stanza id, in bytes. WhatsApp's own have 20 to 32.
pub(super) const MAX_ID_BYTES: usize = 255;

/// Returns whether a chat is direct or a group, from its id.
pub(super) fn chat_kind(chat: &str) -> Result<ChatKind, String> {
    match chat.rsplit_once('@') {
        Some((_, "c.us" | "lid")) => Ok(ChatKind::Direct),
        Some((_, "g.us")) => Ok(ChatKind::Group),
        _ => Err("the chat is neither a person's nor a group".to_owned()),
    }
}

/// Checks the length of a stanza id.
pub(super) fn stanza_id(id: String) -> Result<WaMessageId, String> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(format!(
            "the stanza id has {} bytes; 1 to {MAX_ID_BYTES} are accepted",
            id.len()
        ));
    }
    Ok(WaMessageId(id))
}

/// Returns the sender of a message as it is stored. In a direct chat that is the direction and not an id: the same
/// message bears the number before the chat moves to a LID and the LID after it, and must not be stored twice.
pub(super) fn sender_in(chat: ChatKind, from_me: bool, sender: Option<String>) -> Result<WaUserId, String> {
    let sender = match chat {
        ChatKind::Group => sender.ok_or("the message of a group has no sender")?,
        ChatKind::Direct if from_me => "me".to_owned(),
        ChatKind::Direct => "them".to_owned(),
    };
    Ok(WaUserId(sender))
}

/// Parses a person's id: a phone number or a LID. Returns none for any other form.
pub(super) fn identity(id: &str) -> Option<Identity> {
    let (user, server) = id.split_once('@')?;
    match server {
        "c.us" => Some(Identity::phone(&phone(user)?)),
        "lid" if !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit()) => Some(Identity::lid(user)),
        _ => None,
    }
}

/// Parses a phone number from its digits.
pub(super) fn phone(digits: &str) -> Option<PhoneNumber> {
    format!("+{digits}").parse().ok()
}
