//! Outgoing messages as arguments of the page script.

use serde_json::{Value, json};

use crate::domain::whatsapp::{MessageRef, OutgoingContent, OutgoingMessage};
use crate::domain::{WaMessageId, WaUserId};

/// Returns the arguments of the page's `send`. `me` holds the digits of the number that the account is bound to.
pub fn arguments(message: &OutgoingMessage, me: Option<&str>) -> Value {
    let quoted = message
        .quoted
        .as_ref()
        .map(|key| json!({ "id": key.id, "fromMe": key.from_me, "sender": sender(key.sender.as_ref()) }));
    json!({
        "chat": message.chat, "id": message.id, "content": content(&message.content, &message.id), "quoted": quoted, "me": me,
    })
}

/// Returns a reference to a message as the page script's argument.
pub fn reference(of: &MessageRef) -> Value {
    json!({ "chat": of.chat, "id": of.id, "fromMe": of.from_me, "sender": sender(of.sender.as_ref()) })
}

/// Returns the sender of a group's message in the page's own format.
pub fn sender(stored: Option<&WaUserId>) -> Option<String> {
    let stored = stored?.as_str();
    Some(match stored.strip_prefix("lid:") {
        Some(digits) => format!("{digits}@lid"),
        None => stored.to_owned(),
    })
}

/// Returns the content. `id` is the message's, and the name of the file input that its file is attached to.
fn content(content: &OutgoingContent, id: &WaMessageId) -> Value {
    match content {
        OutgoingContent::Text { text, mentions } => json!({ "kind": "text", "text": text, "mentions": mentions }),
        OutgoingContent::Location(place) => json!({
            "kind": "location", "latitude": place.latitude, "longitude": place.longitude,
            "name": place.name, "address": place.address,
        }),
        OutgoingContent::Contacts(cards) => json!({ "kind": "contacts", "cards": cards }),
        OutgoingContent::File(file) => json!({
            "kind": "file", "input": id, "as": file.kind, "mimetype": file.mimetype, "filename": file.filename,
            "caption": file.caption, "mentions": file.mentions,
        }),
        OutgoingContent::Poll(poll) => json!({
            "kind": "poll", "question": poll.question, "options": poll.options, "selectable": poll.selectable,
        }),
    }
}
