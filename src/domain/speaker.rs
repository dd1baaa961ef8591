//! Who speaks in a room, and the name under which people read it. Nobody can choose a name that reads as one of ours.

use super::message::Origin;
use super::{CustomerId, display_name};

/// Name under which stands what was done on the linked phone.
pub const THE_PHONE: &str = "You (phone)";
/// Name under which WhatsApp's notices stand.
pub const WHATSAPP_NAME: &str = "WhatsApp";

/// Sender of something in a room. A bot sends everything as itself and puts the name before the text; an application
/// service has a user for each sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The program itself: notices and ticks.
    Desk,
    /// A customer.
    Customer {
        id: CustomerId,
        /// Name of the customer at the time of writing.
        name: String,
        /// Address of the avatar; another avatar has another address.
        avatar: Option<String>,
    },
    /// The owner, on the phone or on another linked device.
    Phone,
    /// A member of the desk who wrote through another face than the room.
    Colleague { name: String, origin: Origin },
    /// WhatsApp itself, in its notices.
    WhatsApp,
    /// Any other sender of whom only a name is known, such as a member of a group.
    Named { name: String },
}

impl Speaker {
    /// Returns the name that stands before what they say; none for the program itself.
    pub fn label(&self) -> Option<String> {
        match self {
            Self::Desk => None,
            Self::Phone => Some(THE_PHONE.to_owned()),
            Self::WhatsApp => Some(WHATSAPP_NAME.to_owned()),
            Self::Customer { name, .. } | Self::Named { name } => Some(foreign(name)),
            Self::Colleague { name, origin } => Some(format!("{name} ({origin})")),
        }
    }
}

/// Returns a name that somebody else chose. One that reads as ours, or as WhatsApp, gets the tilde that WhatsApp puts before
/// names that people gave themselves.
pub fn foreign(name: &str) -> String {
    let places = Origin::ALL.iter().map(|origin| origin.as_str());
    if display_name::looks_like(name, WHATSAPP_NAME) || display_name::poses_as_ours(name, places) {
        format!("~{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_speaker_but_desk_has_label() {
        let name = || "Ada".to_owned();
        let customer = Speaker::Customer {
            id: CustomerId(1),
            name: name(),
            avatar: None,
        };
        let colleague = |origin| Speaker::Colleague { name: name(), origin };
        for (speaker, expected) in [
            (Speaker::Desk, None),
            (customer, Some("Ada")),
            (Speaker::Phone, Some("You (phone)")),
            (Speaker::WhatsApp, Some("WhatsApp")),
            (colleague(Origin::Shell), Some("Ada (shell)")),
            (colleague(Origin::Api), Some("Ada (api)")),
            (colleague(Origin::Console), Some("Ada (console)")),
            (colleague(Origin::Matrix), Some("Ada (matrix)")),
            (Speaker::Named { name: name() }, Some("Ada")),
        ] {
            assert_eq!(speaker.label().as_deref(), expected, "{speaker:?}");
        }
    }

    #[test]
    fn name_that_reads_as_ours_gets_tilde() {
        for name in [
            "You (phone)",
            "WhatsApp",
            "Whats App",
            "whatsAPP",
            "Wh\u{430}tsApp",
            "Ben (matrix)",
        ] {
            assert_eq!(foreign(name), format!("~{name}"));
        }
        for name in ["Ada", "WhatsApp Bakery", "Ben (Work)"] {
            assert_eq!(foreign(name), name);
        }
    }
}
