//! Content of a message that is neither a text nor a file.

use super::details::{ContactCard, Details, Location, Poll};
use super::{Kind, wording};
use crate::domain::customer::PhoneNumber;

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
    fn contact_name_cannot_break_vcard_line() {
        let bob = card("Bob; TEL:1,\n2", &"+447700900123".parse().unwrap());
        assert_eq!(
            bob.vcard,
            "BEGIN:VCARD\nVERSION:3.0\nN:;Bob\\; TEL:1\\, 2;;;\nFN:Bob\\; TEL:1\\, 2\n\
             TEL;type=CELL;waid=447700900123:+447700900123\nEND:VCARD"
        );
    }
}
