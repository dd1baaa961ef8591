//! How a message reads in a room.

use crate::domain::message::{Direction, Message, Origin};

/// Who speaks.
pub(super) fn author(message: &Message) -> String {
    let name = message
        .author
        .as_ref()
        .map_or("Somebody", |author| author.name.as_str());
    let face = match message.author.as_ref().and_then(|author| author.origin) {
        _ if message.direction == Direction::Inbound => return name.to_owned(),
        Some(Origin::Phone) => return "You (phone)".to_owned(),
        Some(origin) => origin,
        None => return name.to_owned(),
    };
    format!("{name} ({face})")
}

/// What is said. An empty text would be no event at all.
pub(super) fn body(message: &Message) -> String {
    if message.content.is_empty() {
        format!("[{}]", message.kind)
    } else {
        message.content.clone()
    }
}
