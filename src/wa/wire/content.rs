//! What a message says in plain text: its words, or the bracketed line that stands for a kind that is not built yet.

use super::WireMessage;
use crate::domain::details::Details;
use crate::domain::media;
use crate::domain::message::Kind;

/// The longest name of a contact, place or poll in a bracketed line, in characters.
const MAX_NAME_CHARS: usize = 120;

pub(super) fn of(message: &WireMessage, details: &Details) -> (Kind, String) {
    let body = || message.body.clone().unwrap_or_default();
    let (kind, line) = match message.kind.as_str() {
        "chat" => return (Kind::Text, body()),
        // Answers by a tap: the text of the button.
        "hsm" | "list_response" | "buttons_response" | "template_button_reply" if message.body.is_some() => {
            return (Kind::Text, body());
        }
        "image" => return medium(Kind::Image, message, details),
        "video" | "ptv" => return medium(Kind::Video, message, details),
        "audio" => return medium(Kind::Audio, message, details),
        "ptt" => return medium(Kind::Voice, message, details),
        "document" => return medium(Kind::Document, message, details),
        "sticker" => return medium(Kind::Sticker, message, details),
        "location" | "live_location" => (Kind::Location, named("location", message.title.as_deref())),
        "vcard" => (Kind::Contact, named("contact", message.title.as_deref())),
        "multi_vcard" => (Kind::Contact, "contacts".to_owned()),
        "poll_creation" => (Kind::Poll, named("poll", message.title.as_deref())),
        "revoked" => (Kind::System, "deleted message".to_owned()),
        "call_log" => (Kind::System, "call".to_owned()),
        other => (Kind::Unknown, named("message that cannot be shown", Some(other))),
    };
    let text = match caption(message) {
        Some(caption) => format!("[{line}] {caption}"),
        None => format!("[{line}]"),
    };
    (kind, text)
}

/// What was written under a medium; where nothing was, the line that stands for it.
fn medium(kind: Kind, message: &WireMessage, details: &Details) -> (Kind, String) {
    let text = match caption(message) {
        Some(caption) if !details.view_once => caption.to_owned(),
        _ => format!("[{}]", media::line(kind, details, message.document_name().as_deref())),
    };
    (kind, text)
}

/// Without the file's own name, which the page puts there when nobody writes anything.
fn caption(message: &WireMessage) -> Option<&str> {
    let caption = message.caption.as_deref().filter(|caption| !caption.trim().is_empty());
    caption.filter(|caption| Some(*caption) != message.file_name.as_deref())
}

/// `contact: Ada`, on one line.
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
