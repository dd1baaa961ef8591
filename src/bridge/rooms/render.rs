//! How a message reads in a room.

use crate::domain::matrix::MAX_ROOM_TEXT;
use crate::domain::media;
use crate::domain::message::{Direction, Kind, Message, Origin};

/// Who speaks.
pub(crate) fn author(message: &Message) -> String {
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

/// What is said. An empty text would be no event at all, and one that is too long no event that a homeserver takes.
pub(crate) fn body(message: &Message) -> String {
    let text = said(message);
    if text.is_empty() {
        return format!("[{}]", message.kind);
    }
    if text.len() <= MAX_ROOM_TEXT {
        return text;
    }
    let note = format!(
        "…\n[cut; all {} characters: crm message view {}]",
        text.chars().count(),
        message.id
    );
    let end = text.floor_char_boundary(MAX_ROOM_TEXT - note.len());
    format!("{}{note}", &text[..end])
}

/// The words of a message; under a medium, behind the line that stands for it.
fn said(message: &Message) -> String {
    let is_medium = matches!(
        message.kind,
        Kind::Image | Kind::Video | Kind::Audio | Kind::Voice | Kind::Document | Kind::Sticker
    );
    if !is_medium {
        return message.content.clone();
    }
    let details = message.details.clone().unwrap_or_default();
    let filename = message.media.as_ref().and_then(|media| media.filename.as_deref());
    let line = format!("[{}]", media::line(message.kind, &details, filename));
    if message.content.is_empty() || message.content == line {
        return line;
    }
    format!("{line} {}", message.content)
}
