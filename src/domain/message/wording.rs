//! Lines of text for messages without a text: a location, a contact card, a poll. For rooms, lists and exports.

use super::details::{ContactCard, Location, Poll};
use crate::domain::customer::display_name;

/// Stands for a message that WhatsApp Web cannot decrypt yet. Once it can, the message takes its place.
pub const UNDECRYPTED: &str = "[message that could not be decrypted yet; see the phone]";

/// Longest name of a place or card in a line, in characters.
const MAX_NAME_CHARS: usize = 120;
/// Most cards named in a line.
const MAX_NAMED: usize = 12;
/// Most phone numbers, or else e-mail addresses, of one card in a line.
const MAX_NUMBERS: usize = 3;

/// Returns the line for a location: `[location: Market Hall; 1 High Street; 51.50330, -0.11950]`.
pub fn place(location: &Location) -> String {
    let what = if location.live_until.is_some() {
        "live location"
    } else {
        "location"
    };
    let named = [&location.name, &location.address].into_iter().flatten();
    let mut words: Vec<String> = named.filter_map(|name| line(name)).collect();
    words.push(format!("{:.5}, {:.5}", location.latitude, location.longitude));
    format!("[{what}: {}]", words.join("; "))
}

/// Returns the line for contact cards: `[contact: Bob, +447700900123]`.
pub fn cards(cards: &[ContactCard]) -> String {
    let named: Vec<String> = cards.iter().take(MAX_NAMED).map(card).collect();
    let what = if cards.len() == 1 { "contact" } else { "contacts" };
    match cards.len().saturating_sub(MAX_NAMED) {
        0 => format!("[{what}: {}]", named.join("; ")),
        more => format!("[{what}: {} and {more} more]", named.join("; ")),
    }
}

/// Returns the line for a poll: `[poll: Pick-up or delivery?] pick-up · delivery`.
pub fn poll(poll: &Poll) -> String {
    let options: Vec<String> = poll.options.iter().filter_map(|option| line(option)).collect();
    let question = line(&poll.question).unwrap_or_default();
    format!("[poll: {question}] {}", options.join(" · "))
}

/// Returns the phone numbers that the line for these cards names.
pub fn numbers(cards: &[ContactCard]) -> Vec<String> {
    let of_card = |card: &ContactCard| values(card, "TEL");
    cards.iter().take(MAX_NAMED).flat_map(of_card).collect()
}

/// Returns the values of a property of a card.
fn values(card: &ContactCard, wanted: &str) -> Vec<String> {
    // A vCard folds a long line: it continues in the next one, after a space.
    let unfolded = card.vcard.replace("\r\n", "\n").replace("\n ", "");
    let rows = unfolded.lines().filter_map(|row| {
        let (property, value) = row.split_once(':')?;
        let name = property.split(';').next()?;
        let name = name.rsplit('.').next()?;
        name.eq_ignore_ascii_case(wanted).then(|| line(value))?
    });
    rows.take(MAX_NUMBERS).collect()
}

fn card(card: &ContactCard) -> String {
    let mut words: Vec<String> = line(&card.name).into_iter().collect();
    let numbers = values(card, "TEL");
    words.extend(if numbers.is_empty() {
        values(card, "EMAIL")
    } else {
        numbers
    });
    if words.is_empty() {
        words.push("without a name".to_owned());
    }
    words.join(", ")
}

/// Returns text on one line, cleaned for display and cut; `None` if nothing is visible.
pub fn line(text: &str) -> Option<String> {
    display_name::clean(text).map(|text| text.chars().take(MAX_NAME_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_card_shows_name_and_numbers() {
        let bob = ContactCard {
            name: "Bob\u{202e}".to_owned(),
            vcard: "BEGIN:VCARD\r\nFN:Bob\r\nitem1.TEL;waid=447700900123:+44 7700 900\r\n 123\r\nTEL:112\r\nEND:VCARD"
                .to_owned(),
        };
        assert_eq!(
            cards(std::slice::from_ref(&bob)),
            "[contact: Bob, +44 7700 900123, 112]"
        );
        let nobody = ContactCard {
            name: String::new(),
            vcard: "nonsense".to_owned(),
        };
        assert_eq!(
            cards(&[bob, nobody]),
            "[contacts: Bob, +44 7700 900123, 112; without a name]"
        );
    }

    #[test]
    fn contact_card_without_number_shows_email() {
        let eve = ContactCard {
            name: "Eve".to_owned(),
            vcard: "BEGIN:VCARD\nFN:Eve\nitem1.EMAIL;type=INTERNET:eve@example.org\nEND:VCARD".to_owned(),
        };
        assert_eq!(cards(&[eve]), "[contact: Eve, eve@example.org]");
    }

    #[test]
    fn unnamed_place_shows_address_and_position() {
        let nowhere = Location {
            latitude: 51.5,
            longitude: -0.25,
            name: None,
            address: Some("1 High\nStreet".to_owned()),
            live_until: None,
        };
        assert_eq!(place(&nowhere), "[location: 1 High Street; 51.50000, -0.25000]");
    }
}
