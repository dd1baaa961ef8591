//! Converts messages into the content and the sender that a room shows.

use std::path::PathBuf;

use crate::domain::details::{Details, Quote};
use crate::domain::matrix::{MAX_ROOM_TEXT, RoomContent, RoomFile, Speaker};
use crate::domain::media::{FileKind, UNKNOWN_TYPE, ending};
use crate::domain::message::{Direction, Kind, Message, Origin};
use crate::domain::speaker::{WHATSAPP_NAME, foreign};
use crate::domain::{MatrixEventId, media};

use super::kinds::polls;

/// Maximum length of quoted words in a room, in characters.
const MAX_QUOTE_CHARS: usize = 200;

/// Message that another one answers, and to which its room has no event to reply to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// Name of its author, if it is known.
    pub name: Option<String>,
    /// Its text, or the line of its kind.
    pub words: String,
    /// Whether it is a status, which no conversation shows.
    pub is_status: bool,
}

impl Quoted {
    /// Returns the quote of a message that is stored, and not shown in the room.
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            name: speaker(message, None).label(),
            words: message.named(&said(message)),
            is_status: false,
        }
    }

    /// Returns the quote as a reply contains it, if it says more than an id.
    pub(crate) fn of_reply(quote: &Quote) -> Option<Self> {
        let words = quote.content.clone().or_else(|| quote.is_status.then(String::new))?;
        Some(Self {
            name: quote.name.as_deref().map(foreign),
            words,
            is_status: quote.is_status,
        })
    }

    /// Returns the line that stands before the answer.
    fn line(&self) -> String {
        let words: Vec<&str> = self.words.split_whitespace().collect();
        let words = words.join(" ");
        let shown: String = words.chars().take(MAX_QUOTE_CHARS).collect();
        let cut = if shown.len() < words.len() { "…" } else { "" };
        let of = match (&self.name, self.is_status) {
            (Some(name), true) => format!("{name} (status): "),
            (None, true) => "Status: ".to_owned(),
            (Some(name), false) => format!("{name}: "),
            (None, false) => String::new(),
        };
        format!("> {of}{shown}{cut}\n")
    }
}

/// Returns a message as a text; for a file, its line such as `[image]` and the caption. `quoted` is put before it. `why`:
/// reason why the file cannot be shown.
pub(crate) fn text(
    message: &Message,
    reply_to: Option<MatrixEventId>,
    quoted: Option<&Quoted>,
    why: Option<&str>,
) -> RoomContent {
    let mut text = told(message, said(message));
    if let Some(why) = why {
        text = format!("{text}\n{}", not_shown(message, why));
    }
    let poll = message.details.as_ref().and_then(|details| details.poll.as_ref());
    if let Some(poll) = poll {
        let poll = polls::shown(poll, body(message, text, quoted));
        return RoomContent::Poll { poll, reply_to };
    }
    let body = body(message, text, quoted);
    let location = message.details.as_ref().and_then(|details| details.location.as_ref());
    match location {
        Some(place) => RoomContent::Place {
            latitude: place.latitude,
            longitude: place.longitude,
            body,
            reply_to,
        },
        None => RoomContent::Text {
            body,
            reply_to,
            links: vec![],
        },
    }
}

/// Returns the present text of a message, in place of the one that the event `of` shows.
pub(crate) fn edit(message: &Message, of: MatrixEventId, quoted: Option<&Quoted>) -> RoomContent {
    RoomContent::Edit {
        of,
        body: body(message, told(message, said(message)), quoted),
    }
}

/// Returns the file of a message with its caption; `quoted` is put before that. `path` is where its bytes are.
pub(crate) fn file(message: &Message, quoted: Option<&Quoted>, path: PathBuf) -> RoomFile {
    let nothing = Details::default();
    let details = message.details.as_ref().unwrap_or(&nothing);
    let media = message.media.as_ref();
    let mimetype = media.map_or(UNKNOWN_TYPE, |media| media.mimetype.as_str());
    let kind = FileKind::of_message(message.kind, details.animated);
    let name = media.and_then(|media| media.filename.clone());
    let caption = told(message, message.caption().unwrap_or_default().to_owned());
    RoomFile {
        path,
        name: name.unwrap_or_else(|| format!("{kind}-{}.{}", message.id, ending(mimetype))),
        mimetype: mimetype.to_owned(),
        size: media.and_then(|media| media.size).unwrap_or_default(),
        caption: match (caption.is_empty(), quoted) {
            (true, None) => None,
            _ => Some(body(message, caption, quoted)),
        },
        kind,
        pixels: details.width.zip(details.height),
        duration_s: details.duration_s,
        waveform: details.waveform.clone(),
        thumbnail: None,
    }
}

/// Returns the line that says why a file is not in the room, and how to get it.
pub(crate) fn not_shown(message: &Message, why: &str) -> String {
    match &message.media {
        Some(media) => format!("[not shown here: {why}. Get it with `crm media get {}`]", media.id),
        None => format!("[not shown here: {why}]"),
    }
}

/// Returns the sender in whose name a message is shown. `avatar` is that of the customer who wrote it.
pub(crate) fn speaker(message: &Message, avatar: Option<String>) -> Speaker {
    let author = message.author.as_ref();
    let name = author.map_or("Somebody", |author| author.name.as_str()).to_owned();
    match (message.direction, author.and_then(|author| author.origin)) {
        (Direction::Inbound, _) => match message.customer_id {
            // WhatsApp's own notices come in the customer's chat, but the customer did not write them.
            Some(id) if message.kind != Kind::System => Speaker::Customer { id, name, avatar },
            _ if name == WHATSAPP_NAME && is_notice(message) => Speaker::WhatsApp,
            _ => Speaker::Named { name },
        },
        (Direction::Outbound, Some(Origin::Phone)) => Speaker::Phone,
        (Direction::Outbound, Some(origin)) => Speaker::Colleague { name, origin },
        (Direction::Outbound, None) => Speaker::Named { name },
    }
}

/// Returns whether a message is WhatsApp's own. (A call is somebody's.)
fn is_notice(message: &Message) -> bool {
    let notice = message.details.as_ref().and_then(|details| details.notice.as_deref());
    message.kind == Kind::System && !notice.is_some_and(|notice| notice.starts_with("call"))
}

/// Returns the body of the event, cut to [`MAX_ROOM_TEXT`] bytes. Never empty: homeservers take neither an empty text
/// nor one that is too long.
fn body(message: &Message, mut text: String, quoted: Option<&Quoted>) -> String {
    if text.is_empty() && message.media.is_none() {
        text = format!("[{}]", message.kind);
    }
    if let Some(quoted) = quoted {
        text.insert_str(0, &quoted.line());
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

/// Returns a text of a message with names for mentioned people and with the advertisement that it came by.
fn told(message: &Message, text: String) -> String {
    let Some(details) = &message.details else {
        return text;
    };
    let text = message.named(&text);
    match details.ad.as_ref().map(|ad| ad.title.as_ref().or(ad.url.as_ref())) {
        Some(Some(what)) => format!("{text}\n[came by the advertisement: {what}]"),
        Some(None) => format!("{text}\n[came by an advertisement]"),
        None => text,
    }
}

/// Returns a message's text; for a medium, its line such as `[image]` followed by the caption.
fn said(message: &Message) -> String {
    let is_medium = matches!(
        message.kind,
        Kind::Image | Kind::Video | Kind::Audio | Kind::Voice | Kind::Document | Kind::Sticker
    );
    if !is_medium {
        return message.content.clone();
    }
    let nothing = Details::default();
    let details = message.details.as_ref().unwrap_or(&nothing);
    let filename = message.media.as_ref().and_then(|media| media.filename.as_deref());
    let line = format!("[{}]", media::line(message.kind, details, filename));
    match message.caption() {
        Some(caption) => format!("{line} {caption}"),
        None => line,
    }
}
