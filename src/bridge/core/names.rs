//! Names shown to people, and the sender's part of a message's key.

use crate::domain::conversation::ChatKind;
use crate::domain::customer::{Customer, Identity, IdentityKind};
use crate::domain::message::{Author, Direction, Message, Origin};
use crate::domain::speaker::{THE_PHONE, WHATSAPP_NAME, foreign};
use crate::domain::whatsapp::{WaContact, WaMessage};
use crate::domain::{WaUserId, display_name};

use super::policy::Policy;

/// Returns a contact's name: from the owner's address book, else the name that the person has set in WhatsApp. Without
/// either the store falls back on the number.
pub(crate) fn name_of(contact: &WaContact) -> Option<String> {
    [&contact.saved_name, &contact.push_name]
        .into_iter()
        .flatten()
        .find_map(|name| display_name::clean(name))
}

/// Returns the name of a message's author, who alone may change it.
pub(crate) fn writer(from_me: bool, contact: &WaContact, stored: &Message) -> String {
    let of_contact = || name_of(contact).filter(|_| !from_me);
    let known = stored.author.as_ref().map(|author| author.name.clone());
    known.or_else(of_contact).unwrap_or_else(|| "Somebody".to_owned())
}

/// Returns the name of the person who voted on a message or reacted to it.
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

/// Returns the author of a message that came from WhatsApp.
pub(crate) fn author(message: &WaMessage, customer: Option<&Customer>) -> Author {
    let notice = message.details.as_ref().and_then(|details| details.notice.as_deref());
    if notice.is_some_and(|notice| !notice.starts_with("call")) {
        // The notice's text names the person.
        return Author {
            origin: None,
            name: WHATSAPP_NAME.to_owned(),
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

/// Beginning of a [`sender_key`] that is a LID.
pub(crate) const LID_KEY: &str = "lid:";

/// Returns the sender's part of a message's unique key (rule 12). Empty in a direct chat: `from_me` tells its two sides
/// apart, and its sender id changes from number to LID. In a group it is the sender's LID where WhatsApp gives it,
/// since the LID does not change.
pub(crate) fn sender_key(chat: ChatKind, from_me: bool, sender: &WaUserId, contact: &WaContact) -> WaUserId {
    if chat == ChatKind::Direct || from_me {
        return WaUserId::from("");
    }
    let mut identities = contact.identities.iter();
    let lid = identities.find(|identity| identity.kind == IdentityKind::Lid);
    lid.map_or_else(
        || sender.clone(),
        |Identity { value, .. }| WaUserId(format!("{LID_KEY}{value}")),
    )
}

/// Returns whether an id that is stored for a group's member, as [`sender_key`] or WhatsApp gives it, is one of the ids of
/// this person.
pub(crate) fn is_same_person(stored: &WaUserId, sender: &WaUserId, contact: &WaContact) -> bool {
    let stored = user_of(stored);
    let mut identities = contact.identities.iter();
    stored == user_of(sender)
        || identities
            .any(|Identity { kind, value }| *kind != IdentityKind::Username && value.trim_start_matches('+') == stored)
}

/// Returns whether two reactions or votes are of one person, who has the ids of `contact`. Each is given as whether it is
/// ours, and its sender in a group.
pub(crate) fn are_of_one_person(
    one: (bool, Option<&WaUserId>),
    other: (bool, Option<&WaUserId>),
    contact: &WaContact,
) -> bool {
    match (one, other) {
        ((true, _), (true, _)) => true,
        ((false, one), (false, other)) => {
            let mut senders = one.zip(other).into_iter();
            one == other || senders.any(|(one, other)| is_same_person(one, other, contact))
        }
        _ => false,
    }
}

/// Returns the digits of a stored id of a group's member.
fn user_of(stored: &WaUserId) -> &str {
    let stored = stored.as_str();
    let stored = stored.strip_prefix(LID_KEY).unwrap_or(stored);
    stored.split_once('@').map_or(stored, |(user, _)| user)
}

/// Returns how a line of a room names the person who did something about a message: nobody else reads as our own phone, and
/// nobody's name is a number where numbers are hidden.
pub(crate) fn told_doer(policy: &Policy, message: &Message, from_me: bool, name: &str) -> String {
    if from_me {
        return name.to_owned();
    }
    foreign(&policy.shown_name(name, message.customer_id))
}

/// Returns the name shown for a person whose name is unknown.
pub(crate) fn unnamed(from_me: bool) -> String {
    if from_me { THE_PHONE } else { "Somebody" }.to_owned()
}
