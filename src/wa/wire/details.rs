//! What a message carries besides its text, out of what the page tells: bounded, and without anything that would not fit.

use serde_json::Value;

use super::lenient::{beginning, field, list, number, positive, text};
use super::{WireMessage, WirePerson, words};
use crate::domain::details::{ContactCard, Details, Location, Mention, Poll, Quote};
use crate::domain::whatsapp::WaContact;
use crate::domain::{Timestamp, WaMessageId, WaUserId, display_name};

/// Most mentions, cards, options and votes that are kept of one message.
const MAX_LISTED: usize = 1024;
/// The longest option or question of a poll, name or address of a place that is kept, in characters. WhatsApp's own are shorter.
const MAX_LINE_CHARS: usize = 1000;
/// The longest vCard that is kept, in bytes: one with a picture in it may be that long.
const MAX_VCARD_BYTES: usize = 256 << 10;
/// How much of a quoted text is kept, in characters.
const MAX_QUOTE_CHARS: usize = 300;
/// The largest object of raw fields that is kept, in bytes of JSON.
const MAX_RAW_BYTES: usize = 8 << 10;
/// The longest timer: ten years.
const MAX_EXPIRES_S: u32 = 10 * 365 * 24 * 3600;

pub(super) fn of(message: &WireMessage) -> Details {
    let mut details = Details {
        view_once: message.view_once,
        ..Details::default()
    };
    let Some(told) = &message.details else {
        return details;
    };
    details.forwarded = field(told, "forwarded").unwrap_or(false);
    details.expires_after_s = positive(told, "expiresAfter").map(|seconds| seconds.min(MAX_EXPIRES_S));
    details.mentions = list(told, "mentions", MAX_LISTED).filter_map(mention).collect();
    details.location = told.get("location").and_then(|place| location(place, message));
    details.contacts = list(told, "cards", MAX_LISTED).filter_map(card).collect();
    details.poll = told.get("poll").and_then(poll);
    details.quote = message.quoted.as_ref().map(|id| quote(id, &told["quote"]));
    details.notice = told.get("notice").and_then(words::notice_of);
    details.raw = told
        .get("raw")
        .filter(|raw| raw.is_object())
        .map(|raw| bounded(&message.kind, raw));
    details
}

/// Somebody's options in a poll, each once.
pub(super) fn options(told: &Value) -> Vec<String> {
    let mut options = vec![];
    for option in told.as_array().into_iter().flatten().take(MAX_LISTED) {
        if let Some(option) = option.as_str() {
            let option = beginning(option, MAX_LINE_CHARS);
            if !options.contains(&option) {
                options.push(option);
            }
        }
    }
    options
}

/// A person whom the page names.
pub(super) fn contact(of: &Value, name: &str) -> Option<WaContact> {
    field::<WirePerson>(of, name).map(WirePerson::domain)
}

/// What a contact is called: in the address book, by themself, else by their number.
pub(super) fn called(contact: &WaContact) -> Option<String> {
    let number = || contact.identities.first().map(|identity| identity.value.clone());
    contact
        .saved_name
        .clone()
        .or_else(|| contact.push_name.clone())
        .or_else(number)
}

fn mention(told: &Value) -> Option<Mention> {
    let id = text(told, "id")?;
    let user = id.split_once('@').map_or(id.as_str(), |(user, _)| user);
    let contact = contact(told, "contact").unwrap_or_default();
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
    let said = text(place, "text").unwrap_or_default();
    let (name, address) = said.split_once('\n').unwrap_or((&said, ""));
    let line = |line: &str| Some(beginning(line.trim(), MAX_LINE_CHARS)).filter(|line| !line.is_empty());
    let is_live = field(place, "live").unwrap_or(false);
    let from = super::whole(&message.t).unwrap_or(0);
    let seconds = positive(place, "shareDuration").unwrap_or(0);
    Some(Location {
        latitude,
        longitude,
        name: line(name),
        address: line(address),
        live_until: is_live.then(|| Timestamp::from_seconds(from.saturating_add(i64::from(seconds)))),
    })
}

fn card(told: &Value) -> Option<ContactCard> {
    let vcard = text(told, "vcard")?;
    let end = vcard.floor_char_boundary(MAX_VCARD_BYTES);
    Some(ContactCard {
        name: text(told, "name")
            .as_deref()
            .and_then(display_name::clean)
            .unwrap_or_default(),
        vcard: vcard[..end].to_owned(),
    })
}

fn poll(told: &Value) -> Option<Poll> {
    let question = text(told, "question")?;
    Some(Poll {
        question: beginning(&question, MAX_LINE_CHARS),
        options: options(&told["options"]),
        selectable: positive(told, "selectable").unwrap_or(0),
        votes: vec![],
    })
}

fn quote(id: &str, told: &Value) -> Quote {
    let name = contact(told, "from").as_ref().and_then(called);
    let content = text(told, "text").map(|text| beginning(&text, MAX_QUOTE_CHARS));
    let kind = || text(told, "kind").map(|kind| format!("[{}]", beginning(&kind, MAX_QUOTE_CHARS)));
    Quote {
        whatsapp_id: WaMessageId(beginning(id, super::MAX_ID_BYTES)),
        name,
        content: content.or_else(kind),
    }
}

/// What there is to a message of a kind that we do not know; when it is too much, only that there was.
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
