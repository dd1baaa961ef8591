//! Structured details of a message (mentions, place, cards, poll, quote) in the page's JSON, each within a bound.

use serde_json::Value;

use super::ids::MAX_ID_BYTES;
use super::lenient::{
    MAX_LINE_CHARS, MAX_LISTED, beginning, distinct_texts, field, list, number, positive, text, whole,
};
use super::message::WireMessage;
use super::notice;
use super::person::{contact, shown_name};
use crate::domain::details::{ContactCard, Details, Location, Mention, Poll, Quote};
use crate::domain::display_name;
use crate::domain::{Timestamp, WaMessageId, WaUserId};

/// Maximum length of a vCard, in bytes: one with a picture in it may be that long.
const MAX_VCARD_BYTES: usize = 256 << 10;
/// Maximum length of a quoted text, in characters.
const MAX_QUOTE_CHARS: usize = 300;
/// Maximum size of the raw fields of an unknown kind, in bytes of JSON.
const MAX_RAW_BYTES: usize = 8 << 10;
/// Maximum timer of a disappearing message, in seconds: ten years.
const MAX_EXPIRES_S: u32 = 10 * 365 * 24 * 3600;

/// Reads the details of a message; odd ones are left out.
pub(super) fn of(message: &WireMessage) -> Details {
    let mut details = Details {
        view_once: message.view_once,
        ..Details::default()
    };
    let Some(value) = &message.details else {
        return details;
    };
    details.forwarded = field(value, "forwarded").unwrap_or(false);
    details.expires_after_s = positive(value, "expiresAfter").map(|seconds| seconds.min(MAX_EXPIRES_S));
    details.mentions = list(value, "mentions", MAX_LISTED).filter_map(mention).collect();
    details.location = value.get("location").and_then(|place| location(place, message));
    details.contacts = list(value, "cards", MAX_LISTED).filter_map(card).collect();
    details.poll = value.get("poll").and_then(poll);
    details.quote = message.quoted.as_ref().map(|id| quote(id, &value["quote"]));
    details.notice = value.get("notice").and_then(notice::type_of);
    details.raw = value
        .get("raw")
        .filter(|raw| raw.is_object())
        .map(|raw| bounded(&message.kind, raw));
    details
}

fn mention(value: &Value) -> Option<Mention> {
    let id = text(value, "id")?;
    let user = id.split_once('@').map_or(id.as_str(), |(user, _)| user);
    let contact = contact(value, "contact").unwrap_or_default();
    Some(Mention {
        user: WaUserId(beginning(user, MAX_LINE_CHARS)),
        name: contact.saved_name.or(contact.push_name),
    })
}

fn location(place: &Value, message: &WireMessage) -> Option<Location> {
    let (latitude, longitude) = (number(place, "lat")?, number(place, "lng")?);
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return None;
    }
    let text_lines = text(place, "text").unwrap_or_default();
    let (name, address) = text_lines.split_once('\n').unwrap_or((&text_lines, ""));
    let line = |line: &str| Some(beginning(line.trim(), MAX_LINE_CHARS)).filter(|line| !line.is_empty());
    let is_live = field(place, "live").unwrap_or(false);
    let from = whole(&message.t).unwrap_or(0);
    let seconds = positive(place, "shareDuration").unwrap_or(0);
    Some(Location {
        latitude,
        longitude,
        name: line(name),
        address: line(address),
        live_until: is_live.then(|| Timestamp::from_seconds(from.saturating_add(i64::from(seconds)))),
    })
}

fn card(value: &Value) -> Option<ContactCard> {
    let vcard = text(value, "vcard")?;
    let end = vcard.floor_char_boundary(MAX_VCARD_BYTES);
    Some(ContactCard {
        name: text(value, "name")
            .as_deref()
            .and_then(display_name::clean)
            .unwrap_or_default(),
        vcard: vcard[..end].to_owned(),
    })
}

fn poll(value: &Value) -> Option<Poll> {
    let question = text(value, "question")?;
    Some(Poll {
        question: beginning(&question, MAX_LINE_CHARS),
        options: distinct_texts(&value["options"]),
        selectable: positive(value, "selectable").unwrap_or(0),
        votes: vec![],
    })
}

fn quote(id: &str, value: &Value) -> Quote {
    let name = contact(value, "from").as_ref().and_then(shown_name);
    let content = text(value, "text").map(|text| beginning(&text, MAX_QUOTE_CHARS));
    let kind = || text(value, "kind").map(|kind| format!("[{}]", beginning(&kind, MAX_QUOTE_CHARS)));
    Quote {
        whatsapp_id: WaMessageId(beginning(id, MAX_ID_BYTES)),
        name,
        content: content.or_else(kind),
        is_status: value["isStatus"] == true,
    }
}

/// Keeps the raw fields of a message of an unknown kind; if they are too large, only their size.
fn bounded(kind: &str, raw: &Value) -> Value {
    let kind = beginning(kind, MAX_LINE_CHARS);
    let bytes = raw.to_string().len();
    if bytes > MAX_RAW_BYTES {
        return serde_json::json!({ "type": kind, "left_out_bytes": bytes });
    }
    let mut raw = raw.clone();
    raw["type"] = kind.into();
    raw
}
