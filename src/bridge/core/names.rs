//! Names shown to people, and the sender's part of a message's key.

use crate::domain::WaUserId;
use crate::domain::conversation::ChatKind;
use crate::domain::customer::{Customer, Identity, IdentityKind, display_name};
use crate::domain::message::{Author, Direction, Message, Origin};
use crate::domain::whatsapp::{WaContact, WaMessage};

/// A name by priority: the owner's address book, then what the person calls themself. Without either the store falls
/// back on the number.
pub(crate) fn name_of(contact: &WaContact) -> Option<String> {
    [&contact.saved_name, &contact.push_name]
        .into_iter()
        .flatten()
        .find_map(|name| display_name::clean(name))
}

/// The name of whoever wrote, and so may change, a message.
pub(crate) fn writer(from_me: bool, contact: &WaContact, stored: &Message) -> String {
    let of_contact = || name_of(contact).filter(|_| !from_me);
    let known = stored.author.as_ref().map(|author| author.name.clone());
    known.or_else(of_contact).unwrap_or_else(|| "Somebody".to_owned())
}

/// Returns the name of whoever voted on a message or reacted to it.
pub(crate) fn doer(from_me: bool, contact: &WaContact, message: &Message) -> String {
    if from_me {
        return THE_PHONE.to_owned();
    }
    let author = message.author.as_ref();
    let author = author.filter(|_| message.direction == Direction::Inbound);
    name_of(contact)
        .or_else(|| author.map(|author| author.name.clone()))
        .unwrap_or_else(|| unnamed(false))
}

pub(crate) fn author(message: &WaMessage, customer: Option<&Customer>) -> Author {
    let notice = message.details.as_ref().and_then(|details| details.notice.as_deref());
    if notice.is_some_and(|notice| !notice.starts_with("call")) {
        // Who did it is in its words.
        return Author {
            origin: None,
            name: "WhatsApp".to_owned(),
        };
    }
    if message.from_me {
        return Author {
            origin: Some(Origin::Phone),
            name: "Phone".to_owned(),
        };
    }
    let name = name_of(&message.contact)
        .or_else(|| customer.map(|customer| customer.name.clone()))
        .unwrap_or_else(|| "Somebody".to_owned());
    Author { origin: None, name }
}

/// The sender's part of a message's uniqueness (rule 12). A direct chat has two sides, told apart by `from_me`, and
/// its id moves from number to LID: so there the sender adds nothing but trouble. In a group it is the sender's LID where
/// WhatsApp tells it, since that one does not change.
pub(crate) fn sender_key(chat: ChatKind, from_me: bool, sender: &WaUserId, contact: &WaContact) -> WaUserId {
    if chat == ChatKind::Direct || from_me {
        return WaUserId::from("");
    }
    let mut identities = contact.identities.iter();
    let lid = identities.find(|identity| identity.kind == IdentityKind::Lid);
    lid.map_or_else(
        || sender.clone(),
        |Identity { value, .. }| WaUserId(format!("lid:{value}")),
    )
}

/// Who did it, for those who read of it in the room.
pub(crate) const THE_PHONE: &str = "You (phone)";

pub(crate) fn unnamed(from_me: bool) -> String {
    if from_me { THE_PHONE } else { "Somebody" }.to_owned()
}
