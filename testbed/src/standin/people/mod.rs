//! State of our phones and of the customers.

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

/// Id of one of our phones: its number in the order of creation, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneId(pub(crate) usize);

/// Id of a customer: their number in the order of creation, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub(crate) usize);

/// Id of a group: its number in the order of creation, from 0.
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
    /// Returns this account's own address in a chat: by LID or by number, as the chat's.
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

/// An avatar. Each has its own path.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub path: String,
    pub mimetype: String,
    pub bytes: Vec<u8>,
}

/// Which of a customer's LID and number we can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Both,
    /// The number is hidden from us, as with usernames.
    NeverTheNumber,
    /// Only the one that they use: nobody is told that both are the same person.
    OneAtATime,
}

/// A customer and their phone.
#[derive(Debug)]
pub(crate) struct CustomerState {
    pub name: String,
    pub saved_name: Option<String>,
    pub number: Option<String>,
    /// Other forms of the number, under which the server finds them too.
    pub other_forms: Vec<String>,
    pub lid: Option<String>,
    pub address: Address,
    pub username: Option<String>,
    pub shown: Shown,
    pub on_whatsapp: bool,
    pub online: bool,
    /// Messages in the order of arrival, without duplicates.
    pub inbox: Vec<Received>,
    /// Messages that the phone has received. It drops duplicates by place, sender and stanza id.
    pub had: HashSet<(Place, Who, String)>,
    /// Messages that came while the phone was off.
    pub held: VecDeque<(Place, Who, Message)>,
    pub script: Script,
    /// Their "about" text.
    pub about: Option<String>,
    pub picture: Option<Picture>,
}

impl CustomerState {
    /// Returns the address of the chat with this customer.
    pub fn jid(&self) -> Jid {
        match (self.address, &self.lid, &self.number) {
            (Address::Lid, Some(lid), _) | (_, Some(lid), None) => Jid::lid(lid),
            (_, _, Some(number)) => Jid::phone(number),
            (_, None, None) => Jid::lid("0"),
        }
    }

    /// Returns the number, if we can see it.
    pub fn visible_number(&self) -> Option<&str> {
        let known = match self.shown {
            Shown::Both => true,
            Shown::NeverTheNumber => false,
            Shown::OneAtATime => self.address == Address::Phone,
        };
        self.number.as_deref().filter(|_| known)
    }

    /// Returns the LID, if we can see it.
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
        !jid.is_group() && (own == Some(jid.user()) || self.is_other_form(jid))
    }

    /// Returns whether `jid` is another form of this customer's number.
    pub fn is_other_form(&self, jid: &Jid) -> bool {
        !jid.is_lid() && !jid.is_group() && self.other_forms.iter().any(|form| form == jid.user())
    }
}
