//! Locations, contacts and polls in a request to send, checked against WhatsApp's limits.

use super::phone_number;
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::{SendContact, SendLocation, SendPoll};
use crate::domain::details::{ContactCard, Location, Poll};
use crate::domain::special;
use crate::domain::special::{MAX_OPTION_CHARS, MAX_QUESTION_CHARS, OPTIONS, Special};

/// Maximum length of a location's name and of its address, in characters.
const MAX_PLACE_CHARS: usize = 1000;
/// Maximum length of a contact's name, in characters.
const MAX_CARD_NAME_CHARS: usize = 255;
/// Maximum size of a vCard, in bytes.
const MAX_VCARD_BYTES: usize = 64 << 10;

/// Returns the location, contact or poll that the request sends, or `None` if it sends none. A problem when there are
/// several, or a text or file besides.
pub fn of(
    desk: &Desk,
    location: Option<&SendLocation>,
    contact: Option<&SendContact>,
    poll: Option<&SendPoll>,
    has_other: bool,
) -> Result<Option<Special>, Problem> {
    match (location, contact, poll, has_other) {
        (None, None, None, _) => Ok(None),
        (Some(place), None, None, false) => location_of(place).map(Some),
        (None, Some(card), None, false) => contact_of(desk, card).map(Some),
        (None, None, Some(asked), false) => poll_of(asked).map(Some),
        _ => Err(Problem::wrong_field(
            "/content",
            "give one of `content`, `media`, `location`, `contact` and `poll` (`content` also under `media`); send several messages for several things",
        )),
    }
}

fn location_of(place: &SendLocation) -> Result<Special, Problem> {
    if !(-90.0..=90.0).contains(&place.latitude) {
        return Err(Problem::wrong_field(
            "/location/latitude",
            "the latitude is in degrees, from -90 to 90",
        ));
    }
    if !(-180.0..=180.0).contains(&place.longitude) {
        return Err(Problem::wrong_field(
            "/location/longitude",
            "the longitude is in degrees, from -180 to 180",
        ));
    }
    Ok(Special::Location(Location {
        latitude: place.latitude,
        longitude: place.longitude,
        name: place_line("/location/name", place.name.as_deref())?,
        address: place_line("/location/address", place.address.as_deref())?,
        live_until: None,
    }))
}

/// Returns the trimmed text, or `None` if it is empty. It has to be one line: WhatsApp stores name and address as two
/// lines of one text.
fn place_line(pointer: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().any(char::is_control) {
        return Err(Problem::wrong_field(
            pointer,
            "it has to be one line, without control characters",
        ));
    }
    within(pointer, text, MAX_PLACE_CHARS)?;
    Ok(Some(text.to_owned()))
}

fn contact_of(desk: &Desk, card: &SendContact) -> Result<Special, Problem> {
    let name = card.name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Problem::wrong_field(
            "/contact/name",
            "a card needs a name, on one line",
        ));
    }
    within("/contact/name", name, MAX_CARD_NAME_CHARS)?;
    match (&card.phone, &card.vcard) {
        (Some(phone), None) => {
            let phone = phone_number(desk, "/contact/phone", phone)?;
            Ok(Special::Contacts(vec![special::card(name, &phone)]))
        }
        (None, Some(vcard)) => {
            check_vcard(vcard)?;
            Ok(Special::Contacts(vec![ContactCard {
                name: name.to_owned(),
                vcard: vcard.clone(),
            }]))
        }
        _ => Err(Problem::wrong_field("/contact", "give one of `phone` and `vcard`")),
    }
}

fn check_vcard(vcard: &str) -> Result<(), Problem> {
    let wrong = |detail: &str| Err(Problem::wrong_field("/contact/vcard", detail));
    if vcard.len() > MAX_VCARD_BYTES {
        return wrong("the vCard is larger than 64 KiB; leave its picture out");
    }
    let inside = vcard.trim();
    if !inside.starts_with("BEGIN:VCARD") || !inside.ends_with("END:VCARD") || inside.contains('\0') {
        return wrong("a vCard begins with BEGIN:VCARD and ends with END:VCARD");
    }
    Ok(())
}

fn poll_of(asked: &SendPoll) -> Result<Special, Problem> {
    let question = poll_text("/poll/question", &asked.question, MAX_QUESTION_CHARS)?;
    if !OPTIONS.contains(&asked.options.len()) {
        return Err(Problem::wrong_field("/poll/options", "a poll has from 2 to 12 options"));
    }
    let mut options: Vec<String> = vec![];
    for (at, option) in asked.options.iter().enumerate() {
        let pointer = format!("/poll/options/{at}");
        let option = poll_text(&pointer, option, MAX_OPTION_CHARS)?;
        if options.contains(&option) {
            return Err(Problem::wrong_field(
                &pointer,
                "this option is listed twice; remove one",
            ));
        }
        options.push(option);
    }
    if asked.selectable as usize > options.len() {
        return Err(Problem::wrong_field(
            "/poll/selectable",
            "nobody can choose more options than there are; 0 stands for any number",
        ));
    }
    Ok(Special::Poll(Poll {
        question,
        options,
        selectable: asked.selectable,
        votes: vec![],
        ids: vec![],
    }))
}

fn poll_text(pointer: &str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.contains('\0') {
        return Err(Problem::wrong_field(pointer, "it is empty; write something"));
    }
    within(pointer, text, most)?;
    Ok(text.to_owned())
}

fn within(pointer: &str, text: &str, most: usize) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars > most {
        let detail = format!("it has {chars} characters, and WhatsApp takes {most} at the most");
        return Err(Problem::wrong_field(pointer, detail));
    }
    Ok(())
}
