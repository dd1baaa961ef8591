//! What a message says in plain text: its words, or the bracketed line that stands for a kind that is not built yet.

use serde_json::Value;

use super::wire::WireMessage;
use crate::domain::message::Kind;

/// The longest name of a file, contact, place or poll in a bracketed line, in characters.
const MAX_NAME_CHARS: usize = 120;

pub(super) fn of(message: &WireMessage) -> (Kind, String) {
    let body = || message.body.clone().unwrap_or_default();
    let (kind, line) = match message.kind.as_str() {
        "chat" => return (Kind::Text, body()),
        // Answers by a tap: the text of the button.
        "hsm" | "list_response" | "buttons_response" | "template_button_reply" if message.body.is_some() => {
            return (Kind::Text, body());
        }
        "image" => (Kind::Image, "image".to_owned()),
        "video" => (Kind::Video, timed("video", message)),
        "audio" => (Kind::Audio, timed("audio", message)),
        "ptt" => (Kind::Voice, timed("voice note", message)),
        "document" => (Kind::Document, named("document", message.file_name.as_deref())),
        "sticker" => (Kind::Sticker, "sticker".to_owned()),
        "location" | "live_location" => (Kind::Location, named("location", message.title.as_deref())),
        "vcard" => (Kind::Contact, named("contact", message.title.as_deref())),
        "multi_vcard" => (Kind::Contact, "contacts".to_owned()),
        "poll_creation" => (Kind::Poll, named("poll", message.title.as_deref())),
        "revoked" => (Kind::System, "deleted message".to_owned()),
        "call_log" => (Kind::System, "call".to_owned()),
        other => (Kind::Unknown, named("message that cannot be shown", Some(other))),
    };
    let once = if message.view_once { "view-once " } else { "" };
    let caption = message
        .caption
        .as_deref()
        .filter(|caption| !caption.is_empty() && Some(*caption) != message.file_name.as_deref());
    let text = match caption {
        Some(caption) => format!("[{once}{line}] {caption}"),
        None => format!("[{once}{line}]"),
    };
    (kind, text)
}

/// `voice note, 0:12`.
fn timed(what: &str, message: &WireMessage) -> String {
    let seconds = match &message.seconds {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) => format!("{what}, {}:{:02}", seconds / 60, seconds % 60),
        None => what.to_owned(),
    }
}

/// `document: prices.pdf`, on one line.
fn named(what: &str, name: Option<&str>) -> String {
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_NAME_CHARS)
        .collect();
    match name.trim() {
        "" => what.to_owned(),
        name => format!("{what}: {name}"),
    }
}
