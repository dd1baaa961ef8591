//! A message on its way out, as the page script takes it.

use serde_json::{Value, json};

use crate::domain::whatsapp::{OutgoingContent, OutgoingMessage};

/// The arguments of the page's `send`. `me`: the digits of the number that the account is bound to.
pub fn arguments(message: &OutgoingMessage, me: Option<&str>) -> Value {
    let quoted = message
        .quoted
        .as_ref()
        .map(|key| json!({ "id": key.id, "fromMe": key.from_me }));
    json!({
        "chat": message.chat, "id": message.id, "content": content(&message.content), "quoted": quoted, "me": me,
    })
}

fn content(content: &OutgoingContent) -> Value {
    match content {
        OutgoingContent::Text { text, mentions } => json!({ "kind": "text", "text": text, "mentions": mentions }),
        OutgoingContent::Location(place) => json!({
            "kind": "location", "latitude": place.latitude, "longitude": place.longitude,
            "name": place.name, "address": place.address,
        }),
        OutgoingContent::Contacts(cards) => json!({ "kind": "contacts", "cards": cards }),
        OutgoingContent::Poll(poll) => json!({
            "kind": "poll", "question": poll.question, "options": poll.options, "selectable": poll.selectable,
        }),
    }
}
