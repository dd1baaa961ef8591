//! Content of a message that is neither a text nor a file.

use super::details::{ContactCard, Details, Location, Poll};
use super::{Kind, wording};
use crate::domain::customer::PhoneNumber;

/// WhatsApp's own limits for a poll: lengths in characters, and the number of options.
pub const MAX_QUESTION_CHARS: usize = 255;
/// Longest option of a poll, in characters.
pub const MAX_OPTION_CHARS: usize = 100;
/// Number of options that a poll may have.
pub const OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;

/// Content that is neither a text nor a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Special {
    Location(Location),
    Contacts(Vec<ContactCard>),
    Poll(Poll),
}

impl Special {
    /// Returns the kind of the message.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Location(_) => Kind::Location,
            Self::Contacts(_) => Kind::Contact,
            Self::Poll(_) => Kind::Poll,
        }
    }

    /// Returns the line that stands for it.
    pub fn line(&self) -> String {
        match self {
            Self::Location(location) => wording::place(location),
            Self::Contacts(cards) => wording::cards(cards),
            Self::Poll(poll) => wording::poll(poll),
        }
    }

    /// Returns it as the details of a message.
    pub fn details(&self) -> Details {
        let mut details = Details::default();
        match self.clone() {
            Self::Location(location) => details.location = Some(location),
            Self::Contacts(cards) => details.contacts = cards,
            Self::Poll(poll) => details.poll = Some(poll),
        }
        details
    }
}

/// Returns a poll as WhatsApp takes it.
///
/// # Errors
/// Says what is wrong, then what to do.
pub fn poll(asked: &Poll) -> Result<Poll, String> {
    let fits = |text: &str, most: usize| {
        let text = text.trim();
        let is_there = !text.is_empty() && !text.contains('\0');
        (is_there && text.chars().count() <= most).then(|| text.to_owned())
    };
    let Some(question) = fits(&asked.question, MAX_QUESTION_CHARS) else {
        return Err(format!(
            "a poll's question has from 1 to {MAX_QUESTION_CHARS} characters on WhatsApp"
        ));
    };
    if !OPTIONS.contains(&asked.options.len()) {
        let (least, most) = (OPTIONS.start(), OPTIONS.end());
        return Err(format!(
            "a poll has from {least} to {most} options on WhatsApp; make it anew"
        ));
    }
    let mut options: Vec<String> = vec![];
    for option in &asked.options {
        match fits(option, MAX_OPTION_CHARS) {
            Some(option) if !options.contains(&option) => options.push(option),
            Some(_) => {
                return Err("an option of the poll is listed twice; make it anew with different ones".to_owned());
            }
            None => {
                return Err(format!(
                    "an option has from 1 to {MAX_OPTION_CHARS} characters on WhatsApp"
                ));
            }
        }
    }
    // Whoever may choose all may choose any number.
    let selectable = if asked.selectable as usize >= options.len() {
        0
    } else {
        asked.selectable
    };
    Ok(Poll {
        question,
        options,
        selectable,
        votes: vec![],
        ids: asked.ids.clone(),
    })
}

/// Creates the card of a person with this name and number, as a vCard (RFC 2426) like WhatsApp's own.
pub fn card(name: &str, phone: &PhoneNumber) -> ContactCard {
    let escaped: String = name
        .chars()
        .flat_map(|c| match c {
            '\\' | ',' | ';' => vec!['\\', c],
            '\n' | '\r' => vec![' '],
            c => vec![c],
        })
        .collect();
    ContactCard {
        name: name.to_owned(),
        vcard: format!(
            "BEGIN:VCARD\nVERSION:3.0\nN:;{escaped};;;\nFN:{escaped}\nTEL;type=CELL;waid={}:{phone}\nEND:VCARD",
            phone.digits()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poll_of_room_fits_whatsapp_or_says_why() {
        let asked = |question: &str, options: &[&str], selectable| {
            poll(&Poll {
                question: question.to_owned(),
                options: options.iter().map(|&option| option.to_owned()).collect(),
                selectable,
                votes: vec![],
                ids: vec![],
            })
        };
        let made = asked(" When? ", &["nine", " ten "], 1).unwrap();
        assert_eq!((made.question.as_str(), made.selectable), ("When?", 1));
        assert_eq!(made.options, ["nine", "ten"]);
        assert_eq!(asked("When?", &["nine", "ten"], 20).unwrap().selectable, 0);
        let (long, options) = ("x".repeat(256), vec!["o"; 13]);
        for (question, options) in [
            ("", &["a", "b"][..]),
            (&long, &["a", "b"]),
            ("q", &["a"]),
            ("q", &options),
            ("q", &["a", " a"]),
            ("q", &["a", " "]),
            ("q", &["a", &long]),
            ("q\0", &["a", "b"]),
        ] {
            assert!(asked(question, options, 1).is_err(), "{question:?} {options:?}");
        }
    }

    #[test]
    fn contact_name_cannot_break_vcard_line() {
        let bob = card("Bob; TEL:1,\n2", &"+447700900123".parse().unwrap());
        assert_eq!(
            bob.vcard,
            "BEGIN:VCARD\nVERSION:3.0\nN:;Bob\\; TEL:1\\, 2;;;\nFN:Bob\\; TEL:1\\, 2\n\
             TEL;type=CELL;waid=447700900123:+447700900123\nEND:VCARD"
        );
    }
}
