//! Contact cards as files (vCard 2.1 to 4.0: RFC 2426, RFC 6350).

use super::details::ContactCard;
use crate::domain::customer::display_name;

/// Largest file that is read as contact cards, in bytes. One with a large picture goes out as a document.
pub const MAX_FILE_BYTES: u64 = 256 << 10;
/// Largest single card, in bytes.
const MAX_CARD_BYTES: usize = 64 << 10;
/// Most cards in one message.
const MAX_CARDS: usize = 12;
const BEGIN: &str = "BEGIN:VCARD";
const END: &str = "END:VCARD";

/// Returns whether a file may hold contact cards, by its media type or its name.
pub fn is_named(mimetype: Option<&str>, name: Option<&str>) -> bool {
    let by_type = mimetype.and_then(|mimetype| mimetype.split(';').next());
    let by_type = by_type.is_some_and(|kind| matches!(kind.trim(), "text/vcard" | "text/x-vcard" | "text/directory"));
    let ending = name.and_then(|name| name.rsplit_once('.'));
    by_type || ending.is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("vcf"))
}

/// Returns the cards of a file, each as it stands there. `None` if it is anything else than cards with names, or has more
/// than WhatsApp would show.
pub fn cards(file: &str) -> Option<Vec<ContactCard>> {
    let mut cards = vec![];
    let mut rest = file.trim_start_matches('\u{feff}').trim();
    while !rest.is_empty() {
        let begins = rest.lines().next().is_some_and(|line| is(line, BEGIN));
        let end = end_of_card(rest)?;
        if !begins || end > MAX_CARD_BYTES || cards.len() == MAX_CARDS {
            return None;
        }
        let (card, after) = rest.split_at(end);
        cards.push(ContactCard {
            name: name(card)?,
            vcard: card.to_owned(),
        });
        rest = after.trim_start();
    }
    (!cards.is_empty() && !file.contains('\0')).then_some(cards)
}

fn is(line: &str, wanted: &str) -> bool {
    line.trim().eq_ignore_ascii_case(wanted)
}

/// Returns how many bytes of the text are its first card.
fn end_of_card(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is(line, END) {
            return Some(at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

/// Returns the name on a card: the formatted one, else the parts of the structured one, else the organisation.
fn name(card: &str) -> Option<String> {
    let unfolded = card.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let value = |wanted: &str| {
        unfolded.lines().find_map(|line| {
            let (property, value) = line.split_once(':')?;
            let name = property.split(';').next()?.rsplit('.').next()?;
            name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
        })
    };
    let said = |text: String| display_name::clean(&plain(&text));
    let structured = |text: String| {
        let parts: Vec<&str> = text.split(';').take(2).collect();
        said(parts.into_iter().rev().collect::<Vec<_>>().join(" "))
    };
    value("FN")
        .and_then(said)
        .or_else(|| value("N").and_then(structured))
        .or_else(|| value("ORG").and_then(said))
}

/// Returns a value without its escapes.
fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') | None => text.push(' '),
                Some(escaped) => text.push(escaped),
            },
            ';' => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(file: &str) -> Option<Vec<String>> {
        Some(cards(file)?.into_iter().map(|card| card.name).collect())
    }

    #[test]
    fn cards_of_file_have_their_names() {
        let bob = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\\, the\r\n  Baker\r\nTEL:+44\r\nEND:VCARD";
        let eve = "begin:vcard\nVERSION:2.1\nN:Adams;Eve;;;\nend:vcard\n";
        assert_eq!(names(bob), Some(vec!["Bob, the Baker".to_owned()]));
        assert_eq!(cards(bob).unwrap()[0].vcard, bob);
        let both = format!("\u{feff}{bob}\r\n\r\n{eve}");
        assert_eq!(
            names(&both),
            Some(vec!["Bob, the Baker".to_owned(), "Eve Adams".to_owned()])
        );
        assert_eq!(
            names("BEGIN:VCARD\nORG:Bakers;London\nEND:VCARD"),
            Some(vec!["Bakers London".to_owned()])
        );
    }

    #[test]
    fn what_is_no_card_stays_a_document() {
        let many = "BEGIN:VCARD\nFN:x\nEND:VCARD\n".repeat(MAX_CARDS + 1);
        let large = format!("BEGIN:VCARD\nFN:x\nPHOTO:{}\nEND:VCARD", "x".repeat(MAX_CARD_BYTES));
        for other in [
            "",
            "hello",
            "BEGIN:VCARD\nFN:x",
            "BEGIN:VCARD\nTEL:1\nEND:VCARD",
            "BEGIN:VCARD\nFN:\u{202e}\nEND:VCARD",
            "BEGIN:VCARD\nFN:x\nEND:VCARD\nand more",
            "BEGIN:VCARD\nFN:x\0\nEND:VCARD",
            &many,
            &large,
        ] {
            assert_eq!(names(other), None, "{other:.40}");
        }
    }

    #[test]
    fn file_of_cards_is_known_by_type_or_name() {
        for (mimetype, name, expected) in [
            (Some("text/vcard; charset=utf-8"), None, true),
            (Some("text/x-vcard"), Some("x"), true),
            (Some("application/octet-stream"), Some("Bob.VCF"), true),
            (Some("text/plain"), Some("vcf"), false),
            (None, None, false),
        ] {
            assert_eq!(is_named(mimetype, name), expected, "{mimetype:?} {name:?}");
        }
    }
}
