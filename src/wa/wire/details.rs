//! Structured details of a message (mentions, place, cards, poll, quote) in the page's JSON, each within a bound.

use serde_json::Value;

use super::ids::MAX_ID_BYTES;
use super::kinds::is_web;
use super::lenient::{
    MAX_LINE_CHARS, MAX_LISTED, beginning, distinct_texts, field, list, number, positive, text, whole,
};
use super::message::WireMessage;
use super::notice;
use super::person::{contact, doer, shown_name};
use crate::domain::details::{Ad, ContactCard, Details, Location, Mention, Poll, Quote};
use crate::domain::{Timestamp, WaMessageId, WaUserId};
use crate::domain::{display_name, wording};

/// Maximum length of a vCard, in bytes: one with a picture in it may be that long.
const MAX_VCARD_BYTES: usize = 256 << 10;
/// Maximum length of a quoted text, in characters.
const MAX_QUOTE_CHARS: usize = 300;
/// Maximum size of the raw fields of a kind without details of its own, in bytes of JSON.
const MAX_RAW_BYTES: usize = 16 << 10;
/// Maximum number of names of fields that were left out for their size.
const MAX_LEFT_OUT: usize = 32;
/// Maximum length of an advertisement's address, in bytes.
const MAX_URL_BYTES: usize = 2048;
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
    details.ad = value.get("ad").and_then(ad);
    details.kept = field(value, "kept").unwrap_or(false);
    details.deleted_by = value.get("deletedBy").and_then(deleter);
    details.notice = value.get("notice").and_then(notice::type_of);
    details.raw = value
        .get("raw")
        .filter(|raw| raw.is_object())
        .map(|raw| bounded(&message.kind, raw));
    details
}

/// Returns how a line names the admin who deleted another's message.
pub(super) fn deleter(value: &Value) -> Option<String> {
    if !value.is_object() {
        return None;
    }
    let is_me = field(value, "fromMe") == Some(true);
    Some(doer(is_me, value, "contact", "An admin"))
}

/// Reads the advertisement that a person came by; its address only if it is one of the web.
fn ad(value: &Value) -> Option<Ad> {
    let ad = Ad {
        title: text(value, "title").as_deref().and_then(wording::line),
        url: text(value, "url").filter(|url| url.len() <= MAX_URL_BYTES && is_web(url)),
        source_id: text(value, "sourceId").map(|id| beginning(&id, MAX_ID_BYTES)),
    };
    (ad != Ad::default()).then_some(ad)
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
        ids: vec![],
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

/// Keeps the raw fields of a message of an unknown kind, within [`MAX_RAW_BYTES`]: the largest are left out first, and
/// named.
fn bounded(kind: &str, raw: &Value) -> Value {
    let kind = beginning(kind, MAX_LINE_CHARS);
    let mut kept = raw.as_object().cloned().unwrap_or_default();
    let mut sizes: Vec<(usize, String)> = kept
        .iter()
        .map(|(name, value)| (name.len() + value.to_string().len(), name.clone()))
        .collect();
    sizes.sort();
    let mut bytes: usize = sizes.iter().map(|(size, _)| size).sum();
    let (mut left_out, mut left_out_bytes) = (vec![], 0);
    while bytes > MAX_RAW_BYTES
        && let Some((size, name)) = sizes.pop()
    {
        kept.remove(&name);
        bytes -= size;
        left_out_bytes += size;
        if left_out.len() < MAX_LEFT_OUT {
            left_out.push(beginning(&name, MAX_LINE_CHARS));
        }
    }
    if !left_out.is_empty() {
        kept.insert("left_out".to_owned(), left_out.into());
        kept.insert("left_out_bytes".to_owned(), left_out_bytes.into());
    }
    kept.insert("type".to_owned(), kind.into());
    Value::Object(kept)
}
