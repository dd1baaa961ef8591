//! Names of speakers. Where a user of ours sends the texts of several, the speaker's name is put before the text.

use crate::domain::display_name;
use crate::domain::matrix::Speaker;
use crate::domain::message::Origin;

/// Returns the name to put before a speaker's text; none for the program's own texts.
pub fn prefix(speaker: &Speaker) -> Option<String> {
    match speaker {
        Speaker::Desk => None,
        Speaker::Phone => Some("You (phone)".to_owned()),
        Speaker::Customer { name, .. } | Speaker::Named { name } => Some(foreign(name)),
        Speaker::Colleague { name, origin } => Some(format!("{name} ({origin})")),
    }
}

/// Returns a name that somebody else chose. One that reads as ours gets the tilde that WhatsApp puts before names that
/// people gave themselves.
pub fn foreign(name: &str) -> String {
    let places = Origin::ALL.iter().map(|origin| origin.as_str());
    if display_name::poses_as_ours(name, places) {
        format!("~{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;

    #[test]
    fn each_speaker_but_desk_has_name_prefix() {
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
            (colleague(Origin::Shell), Some("Ada (shell)")),
            (colleague(Origin::Api), Some("Ada (api)")),
            (colleague(Origin::Console), Some("Ada (console)")),
            (colleague(Origin::Matrix), Some("Ada (matrix)")),
            (Speaker::Named { name: name() }, Some("Ada")),
            (
                Speaker::Named {
                    name: "You (phone)".to_owned(),
                },
                Some("~You (phone)"),
            ),
        ] {
            assert_eq!(prefix(&speaker).as_deref(), expected, "{speaker:?}");
        }
    }
}
