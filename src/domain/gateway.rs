//! Reads how an outside gateway calls people and messages. Gateways give WhatsApp's ids in the forms of their own library;
//! here they become ours.

use super::ChatId;
use super::customer::{Identity, PhoneNumber};

/// Greatest number of digits of a LID.
const MAX_LID_DIGITS: usize = 32;
/// Servers of WhatsApp's ids of numbers; the first is the one that we write.
const OF_NUMBERS: [&str; 2] = ["c.us", "s.whatsapp.net"];
/// Server of WhatsApp's ids that hide the number.
const OF_LIDS: &str = "lid";
/// Servers of ids that are no person's: groups, broadcast lists and channels.
const OF_MANY: [&str; 3] = ["g.us", "broadcast", "newsletter"];

/// A person, as a gateway names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPerson {
    /// The person.
    pub identity: Identity,
    /// Their chat with the gateway's account.
    pub chat: ChatId,
}

/// Error: the text names no person.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAPerson {
    /// It names a group, a broadcast list or a channel.
    #[error("this is the id of a group or list; only messages of one person are taken, so leave it out")]
    Many,
    /// It is nothing that a gateway writes.
    #[error(
        "this is no number; write its digits with the country, such as 447700900123, or WhatsApp's id of the person"
    )]
    Unknown,
}

impl GatewayPerson {
    /// Reads digits with the country, with or without `+`, or WhatsApp's id of a number or LID.
    pub fn read(text: &str) -> Result<Self, NotAPerson> {
        let text = text.trim();
        let Some((user, server)) = text.split_once('@') else {
            return Self::of_number(text);
        };
        // A message may name the device that it was written on.
        let user = user.split(':').next().unwrap_or(user);
        if OF_MANY.contains(&server) {
            return Err(NotAPerson::Many);
        }
        if OF_NUMBERS.contains(&server) {
            return Self::of_number(user);
        }
        let is_lid = server == OF_LIDS
            && (1..=MAX_LID_DIGITS).contains(&user.len())
            && user.bytes().all(|byte| byte.is_ascii_digit());
        if !is_lid {
            return Err(NotAPerson::Unknown);
        }
        Ok(Self {
            identity: Identity::lid(user),
            chat: ChatId(format!("{user}@{OF_LIDS}")),
        })
    }

    fn of_number(text: &str) -> Result<Self, NotAPerson> {
        let starts_bare = text.starts_with(|c: char| c.is_ascii_digit()) && !text.starts_with("00");
        let international = if starts_bare {
            format!("+{text}")
        } else {
            text.to_owned()
        };
        let number: PhoneNumber = international.parse().map_err(|_| NotAPerson::Unknown)?;
        Ok(Self {
            identity: Identity::phone(&number),
            chat: ChatId(format!("{}@{}", number.digits(), OF_NUMBERS[0])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_is_read_in_every_form_of_gateways() {
        let number = Identity::phone(&"+447700900123".parse().unwrap());
        for text in [
            "447700900123",
            "+447700900123",
            "+44 7700 900123",
            "00447700900123",
            "447700900123@c.us",
            "447700900123@s.whatsapp.net",
            "447700900123:12@s.whatsapp.net",
        ] {
            let person = GatewayPerson::read(text).unwrap();
            assert_eq!(person.identity, number, "{text}");
            assert_eq!(person.chat.as_str(), "447700900123@c.us", "{text}");
        }
        let person = GatewayPerson::read("98765432109876@lid").unwrap();
        assert_eq!(person.identity, Identity::lid("98765432109876"));
        assert_eq!(person.chat.as_str(), "98765432109876@lid");
    }

    #[test]
    fn group_and_nonsense_are_no_person() {
        for text in ["120363041234567890@g.us", "status@broadcast", "123@newsletter"] {
            assert_eq!(GatewayPerson::read(text), Err(NotAPerson::Many), "{text}");
        }
        for text in [
            "",
            " ",
            "Ada",
            "@c.us",
            "0@c.us",
            "abc@lid",
            "@lid",
            "07700900123",
            "447700900123@example.org",
            "1\0",
        ] {
            assert_eq!(GatewayPerson::read(text), Err(NotAPerson::Unknown), "{text:?}");
        }
    }
}
