//! Places where people write: one of our accounts and one customer, or a group. A message in a place reaches everybody
//! in it; each of our accounts has its own [`Thread`](super::Thread) for it.

use serde::Serialize;

use super::jid::Jid;
use super::{CustomerId, GroupId, PhoneId};
use crate::standin::device::DeviceId;
use crate::standin::messages::thread::Quote;
use crate::standin::net::stanza::Person;
use crate::standin::world::World;

/// The other side of a chat of one of our accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatWith {
    /// One customer.
    Customer(CustomerId),
    /// A group.
    Group(GroupId),
}

impl From<CustomerId> for ChatWith {
    fn from(customer: CustomerId) -> Self {
        Self::Customer(customer)
    }
}

impl From<GroupId> for ChatWith {
    fn from(group: GroupId) -> Self {
        Self::Group(group)
    }
}

/// A person on WhatsApp: one of our accounts, or a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// One of our accounts.
    Phone(PhoneId),
    /// A customer.
    Customer(CustomerId),
}

/// A direct chat or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Direct(PhoneId, CustomerId),
    Group(GroupId),
}

impl Place {
    /// Returns the place of an account's chat.
    pub fn of(phone: PhoneId, chat: ChatWith) -> Self {
        match chat {
            ChatWith::Customer(customer) => Self::Direct(phone, customer),
            ChatWith::Group(group) => Self::Group(group),
        }
    }

    /// Returns the chat that our accounts have for it.
    pub fn chat(self) -> ChatWith {
        match self {
            Self::Direct(_, customer) => ChatWith::Customer(customer),
            Self::Group(group) => ChatWith::Group(group),
        }
    }

    /// Returns the group, if it is one.
    pub fn group(self) -> Option<GroupId> {
        match self {
            Self::Direct(..) => None,
            Self::Group(group) => Some(group),
        }
    }
}

/// Sender of something, with the linked device if it came from one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub who: Who,
    pub device: Option<DeviceId>,
}

impl Sender {
    /// Returns a customer as the sender.
    pub fn customer(customer: CustomerId) -> Self {
        Self {
            who: Who::Customer(customer),
            device: None,
        }
    }

    /// Returns one of our accounts as the sender; `device` is the linked device, if it was one.
    pub fn phone(phone: PhoneId, device: Option<DeviceId>) -> Self {
        Self {
            who: Who::Phone(phone),
            device,
        }
    }

    /// Returns whether this account is the sender.
    pub fn is(&self, phone: PhoneId) -> bool {
        self.who == Who::Phone(phone)
    }
}

impl World {
    /// Returns our accounts in the place.
    pub(crate) fn phones_in(&self, place: Place) -> Vec<PhoneId> {
        match place {
            Place::Direct(phone, _) => vec![phone],
            Place::Group(group) => self.groups[group.0].phones().collect(),
        }
    }

    /// Returns the customers in the place.
    pub(crate) fn customers_in(&self, place: Place) -> Vec<CustomerId> {
        match place {
            Place::Direct(_, customer) => vec![customer],
            Place::Group(group) => self.groups[group.0].customers().collect(),
        }
    }

    /// Returns the chat's address.
    pub(crate) fn address(&self, place: Place) -> Jid {
        match place {
            Place::Direct(_, customer) => self.customers[customer.0].jid(),
            Place::Group(group) => self.groups[group.0].jid(),
        }
    }

    /// Returns the address under which somebody writes in a group. `None` in a direct chat, where the chat and
    /// `from_me` identify the author.
    pub(crate) fn author(&self, place: Place, who: Who) -> Option<Jid> {
        place.group().map(|group| self.member_jid(group, who))
    }

    /// Returns the person who writes under an address; in a direct chat there is only one other.
    pub(crate) fn writer(&self, place: Place, phone: PhoneId, from_me: bool, author: Option<&Jid>) -> Option<Who> {
        match place {
            _ if from_me => Some(Who::Phone(phone)),
            Place::Direct(_, customer) => Some(Who::Customer(customer)),
            Place::Group(_) => self.find_anyone(author?),
        }
    }

    /// Returns the chat that an address means for an account.
    pub(crate) fn find_chat(&self, jid: &Jid) -> Option<ChatWith> {
        if jid.is_group() {
            let at = self.groups.iter().position(|group| group.jid() == *jid);
            return at.map(|at| GroupId(at).into());
        }
        self.find(jid).map(Into::into)
    }

    /// Returns the person whom an address means: one of our accounts, or a customer.
    pub(crate) fn find_anyone(&self, jid: &Jid) -> Option<Who> {
        let ours = self.phones.iter().position(|phone| phone.answers_to(jid));
        let theirs = || self.customers.iter().position(|customer| customer.answers_to(jid));
        ours.map(|at| Who::Phone(PhoneId(at)))
            .or_else(|| theirs().map(|at| Who::Customer(CustomerId(at))))
    }

    /// Returns what an account may know of somebody.
    pub(crate) fn person_of(&self, who: Who) -> Person {
        match who {
            Who::Customer(customer) => self.person(customer),
            Who::Phone(phone) => {
                let phone = &self.phones[phone.0];
                Person {
                    push_name: Some(phone.push_name.clone()),
                    lid: Some(phone.lid.clone()),
                    pn: Some(phone.number.clone()),
                    ..Person::default()
                }
            }
        }
    }

    /// Returns the person that an account is told about with a message: in a group the author, unless that is the
    /// account itself; in a direct chat always the customer.
    pub(crate) fn person_for(&self, phone: PhoneId, place: Place, who: Who) -> Person {
        match place {
            Place::Direct(_, customer) => self.person(customer),
            Place::Group(_) if who == Who::Phone(phone) => Person::default(),
            Place::Group(_) => self.person_of(who),
        }
    }

    /// Returns a quote as an account sees it: `from_me` depends on the account.
    pub(crate) fn quote_for(&self, phone: PhoneId, quote: &Quote) -> Quote {
        let own = |author: &Jid| self.phones[phone.0].answers_to(author);
        Quote {
            from_me: quote.author.as_ref().map_or(quote.from_me, own),
            ..quote.clone()
        }
    }
}
