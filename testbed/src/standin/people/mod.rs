//! Who there is: our own phones, and customers.

pub mod customer;
pub mod group;
pub mod group_handle;
pub mod identity;
pub mod jid;
pub mod place;

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::faults::Restriction;
use super::messages::thread::{Message, Thread};
use super::options::Address;
use super::script::Script;
use customer::Received;
use jid::Jid;
use place::{ChatWith, Place, Who};

/// One of our own phones, in the order in which they were added; the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneId(pub(crate) usize);

/// A customer, in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub(crate) usize);

/// A group, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub(crate) usize);

/// An account of ours: the phone, and the chats that it has.
#[derive(Debug)]
pub(crate) struct PhoneState {
    pub number: String,
    pub lid: String,
    pub push_name: String,
    pub online: bool,
    /// Whether it asks a browser for a passkey before it links it.
    pub asks_passkey: bool,
    pub restriction: Restriction,
    pub threads: BTreeMap<ChatWith, Thread>,
}

impl PhoneState {
    /// This account's own address in a chat by LID or by number.
    pub fn me_in(&self, chat: &Jid) -> Jid {
        if chat.is_lid() {
            Jid::lid(&self.lid)
        } else {
            Jid::phone(&self.number)
        }
    }

    /// Whether `jid` is one of this account's addresses.
    pub fn answers_to(&self, jid: &Jid) -> bool {
        let own = if jid.is_lid() { &self.lid } else { &self.number };
        !jid.is_group() && own == jid.user()
    }
}

/// A profile picture, at a path of its own for each that was set.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub path: String,
    pub mimetype: String,
    pub bytes: Vec<u8>,
}

/// What we are told of a customer's LID and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Both,
    /// The number is kept from us, as with usernames.
    NeverTheNumber,
    /// The one they go by: nobody is told that the two are one person's.
    OneAtATime,
}

/// A customer and their phone.
#[derive(Debug)]
pub(crate) struct CustomerState {
    pub name: String,
    pub saved_name: Option<String>,
    pub number: Option<String>,
    pub lid: Option<String>,
    pub address: Address,
    pub username: Option<String>,
    pub shown: Shown,
    pub on_whatsapp: bool,
    pub online: bool,
    /// After doubles were removed, in the order of arrival.
    pub inbox: Vec<Received>,
    /// What the phone has had: it removes doubles by place, sender and stanza id.
    pub had: HashSet<(Place, Who, String)>,
    /// What came while the phone was off.
    pub held: VecDeque<(Place, Who, Message)>,
    pub script: Script,
    /// What they say about themselves.
    pub about: Option<String>,
    pub picture: Option<Picture>,
}

impl CustomerState {
    /// The address of the chat with this customer.
    pub fn jid(&self) -> Jid {
        match (self.address, &self.lid, &self.number) {
            (Address::Lid, Some(lid), _) | (_, Some(lid), None) => Jid::lid(lid),
            (_, _, Some(number)) => Jid::phone(number),
            (_, None, None) => Jid::lid("0"),
        }
    }

    /// The number, where we may see it.
    pub fn visible_number(&self) -> Option<&str> {
        let known = match self.shown {
            Shown::Both => true,
            Shown::NeverTheNumber => false,
            Shown::OneAtATime => self.address == Address::Phone,
        };
        self.number.as_deref().filter(|_| known)
    }

    /// The LID, where we may see it.
    pub fn visible_lid(&self) -> Option<&str> {
        let known = self.shown != Shown::OneAtATime || self.address == Address::Lid;
        self.lid.as_deref().filter(|_| known)
    }

    /// Whether `jid` is one of this customer's addresses.
    pub fn answers_to(&self, jid: &Jid) -> bool {
        let own = if jid.is_lid() {
            self.lid.as_deref()
        } else {
            self.number.as_deref()
        };
        !jid.is_group() && own == Some(jid.user())
    }
}
