//! The plain text of a message: its own words, or a bracketed line that stands for its kind.

use super::kinds::Line;
use super::message::WireMessage;
use super::{kinds, notice};
use crate::domain::details::Details;
use crate::domain::message::Kind;
use crate::domain::{media, wording};

/// Maximum length of a contact's, place's or poll's name in a bracketed line, in characters.
const MAX_NAME_CHARS: usize = 120;
const HIDDEN: &str = "view-once message: it can be seen on the phone only";

/// Returns the kind of a message and its text.
pub(super) fn of(message: &WireMessage, details: &Details) -> (Kind, String) {
    structured(message, details).unwrap_or_else(|| by_kind(message, details))
}

/// Returns the text of a message that its details describe: view-once, notice, place, poll, contact cards.
fn structured(message: &WireMessage, details: &Details) -> Option<(Kind, String)> {
    if message.kind == "ciphertext" {
        let hidden = || format!("[{HIDDEN}]");
        let content = details.view_once.then(hidden);
        return Some((
            Kind::Unknown,
            content.unwrap_or_else(|| wording::UNDECRYPTED.to_owned()),
        ));
    }
    if details.view_once {
        // Neither the medium nor its caption is kept.
        let (kind, word) = match message.kind.as_str() {
            "image" => (Kind::Image, "image"),
            "video" | "ptv" => (Kind::Video, "video"),
            "audio" | "ptt" => (Kind::Voice, "voice note"),
            _ => return Some((Kind::Unknown, format!("[{HIDDEN}]"))),
        };
        return Some((kind, format!("[view-once {word}]")));
    }
    if let Some(notice) = &details.notice {
        let value = &message.details.as_ref()?["notice"];
        return Some((Kind::System, notice::sentence(notice, value)));
    }
    if let Some(location) = &details.location {
        return Some((Kind::Location, wording::place(location)));
    }
    if let Some(poll) = &details.poll {
        return Some((Kind::Poll, wording::poll(poll)));
    }
    if !details.contacts.is_empty() {
        return Some((Kind::Contact, wording::cards(&details.contacts)));
    }
    None
}

/// Returns the text of a message by the type that the page reports.
fn by_kind(message: &WireMessage, details: &Details) -> (Kind, String) {
    let body = || message.body.clone().unwrap_or_default();
    let (kind, line) = match message.kind.as_str() {
        "chat" => return (Kind::Text, body()),
        // An answer by a tap has the text of the button.
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
        other => {
            return match kinds::line(message) {
                Some(Line { line, text: Some(text) }) => (Kind::Unknown, format!("[{line}] {text}")),
                Some(Line { line, text: None }) => (Kind::Unknown, format!("[{line}]")),
                None => {
                    let line = named("message that cannot be shown", Some(other));
                    let said = caption(message);
                    (
                        Kind::Unknown,
                        said.map_or_else(|| format!("[{line}]"), |said| format!("[{line}] {said}")),
                    )
                }
            };
        }
    };
    let text = match caption(message) {
        Some(caption) => format!("[{line}] {caption}"),
        None => format!("[{line}]"),
    };
    (kind, text)
}

/// Returns the caption of a medium, or the bracketed line that stands for it.
fn medium(kind: Kind, message: &WireMessage, details: &Details) -> (Kind, String) {
    let text = match caption(message) {
        Some(caption) if !details.view_once => caption.to_owned(),
        _ => format!("[{}]", media::line(kind, details, message.document_name().as_deref())),
    };
    (kind, text)
}

/// Returns the caption. The page puts the file's own name there if there is none; that one does not count.
fn caption(message: &WireMessage) -> Option<&str> {
    let caption = message.caption.as_deref().filter(|caption| !caption.trim().is_empty());
    caption.filter(|caption| Some(*caption) != message.file_name.as_deref())
}

/// Returns `contact: Ada` on one line, or `contact` without a name.
fn named(word: &str, name: Option<&str>) -> String {
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_NAME_CHARS)
        .collect();
    match name.trim() {
        "" => word.to_owned(),
        name => format!("{word}: {name}"),
    }
}
