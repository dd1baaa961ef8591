//! Name prefixes: the bot sends the texts of all speakers, so the speaker's name is put before the text.

use crate::domain::matrix::Speaker;

/// Returns the name to put before a speaker's text; none for the program's own texts.
pub(super) fn prefix(speaker: &Speaker) -> Option<String> {
    match speaker {
        Speaker::Desk => None,
        Speaker::Phone => Some("You (phone)".to_owned()),
        Speaker::Customer { name, .. } | Speaker::Named { name } => Some(name.clone()),
        Speaker::Colleague { name, origin } => Some(format!("{name} ({origin})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;
    use crate::domain::message::Origin;

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
        ] {
            assert_eq!(prefix(&speaker).as_deref(), expected, "{speaker:?}");
        }
    }
}
