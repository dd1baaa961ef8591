//! Actions of customers: their phones receive, and they read, write, type and move.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attachment::Attachment;
use super::thread::{Message, Quote};
use crate::standin::clock::now_ms;
use crate::standin::net::stanza::{Content, Stanza};
use crate::standin::options::Address;
use crate::standin::people::customer::Received;
use crate::standin::people::jid::Jid;
use crate::standin::people::place::{ChatWith, Place, Sender, Who};
use crate::standin::people::{CustomerId, GroupId, PhoneId};
use crate::standin::world::{Role, World};

/// A message that somebody is about to send.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// Text. A lone surrogate is written as the character 0x100000 above it.
    pub text: String,
    /// Stanza id; random if none is given. Senders choose it, and may copy another's.
    pub id: Option<String>,
    /// Time in seconds since 1970; now if none is given.
    pub t: Option<i64>,
    /// Stanza id of a quoted message: one of ours, in a group anybody's.
    pub quote: Option<String>,
    /// Whether our devices cannot decrypt it at first.
    pub undecryptable: bool,
    /// Medium; `text` is then its caption.
    pub attachment: Option<Attachment>,
    /// Type, if it is neither a text nor a medium, in WhatsApp Web's words.
    pub kind: Option<String>,
    /// Fields, by WhatsApp Web's names.
    pub fields: Map<String, Value>,
    /// Whether it was forwarded.
    pub forwarded: bool,
    /// Mentioned people. The text has `@` and the part before the address's own `@`.
    pub mentions: Vec<Jid>,
    /// Time after which it disappears, in seconds.
    pub expires_after_s: Option<u32>,
}

impl World {
    /// Delivers a message to a customer's phone, which may be off.
    pub(crate) fn deliver(&mut self, place: Place, from: Who, id: CustomerId, message: Message) {
        let customer = &mut self.customers[id.0];
        if !customer.online {
            customer.held.push_back((place, from, message));
            return;
        }
        let (phone, author) = match from {
            Who::Phone(phone) => (Some(phone), None),
            Who::Customer(author) => (None, Some(author)),
        };
        if customer.had.insert((place, from, message.id.clone())) {
            let attachment = self.shown_attachment(&message.body, &message.text);
            let received = Received {
                phone,
                group: place.group(),
                author,
                ..Received::new(&message, attachment)
            };
            self.customers[id.0].inbox.push(received);
            // Scripts do not answer other customers: two of them would never end.
            if phone.is_some() {
                self.play_script(place, id, &message.text);
            }
        }
        if let Some(phone) = phone {
            self.receipt(phone, place, Who::Customer(id), &[message.id], 2);
        }
    }

    /// Switches a customer's phone on or off; switched on, it receives what waited.
    pub(crate) fn set_customer_online(&mut self, id: CustomerId, online: bool) {
        self.customers[id.0].online = online;
        if online {
            while let Some((place, from, message)) = self.customers[id.0].held.pop_front() {
                self.deliver(place, from, id, message);
            }
        }
        let chat = self.customers[id.0].jid();
        self.tell_subscribers(
            id,
            &Stanza::Presence {
                chat,
                online,
                t: now_ms() / 1000,
            },
        );
    }

    /// Reads all messages of a customer, and sends the receipts.
    pub(crate) fn read_all(&mut self, id: CustomerId) {
        let mut read: Vec<((PhoneId, Place), Vec<String>)> = Vec::new();
        for received in self.customers[id.0].inbox.iter_mut().filter(|received| !received.read) {
            received.read = true;
            // Our accounts get no receipts for another customer's messages in a group.
            let Some(phone) = received.phone else { continue };
            let at = (phone, received.group.map_or(Place::Direct(phone, id), Place::Group));
            match read.iter_mut().find(|(known, _)| *known == at) {
                Some((_, ids)) => ids.push(received.stanza_id.clone()),
                None => read.push((at, vec![received.stanza_id.clone()])),
            }
        }
        for ((phone, place), ids) in read {
            self.receipt(phone, place, Who::Customer(id), &ids, 3);
        }
    }

    /// Sends a customer's message to one of our accounts or to a group, and returns its stanza id.
    pub(crate) fn write(&mut self, place: Place, id: CustomerId, draft: &Draft) -> String {
        let sender = Sender::customer(id);
        let message = self.compose(place, sender.who, draft);
        self.post(place, sender, &message);
        message.id
    }

    /// Creates a message from a draft.
    pub(crate) fn compose(&mut self, place: Place, who: Who, draft: &Draft) -> Message {
        let stanza_id = draft.id.clone().unwrap_or_else(|| self.phone_stanza_id());
        let mut body = self.body_of(&stanza_id, draft);
        if let Some(timer) = self.timer(place).filter(|_| draft.expires_after_s.is_none()) {
            body.set("ephemeralDuration", timer);
        }
        let quote = draft.quote.as_ref().map(|quoted| self.quoted(place, who, quoted));
        let message = Self::new_message(stanza_id, false, draft.says());
        Message {
            quote,
            body,
            ciphertext: draft.undecryptable,
            t: draft.t.unwrap_or(message.t),
            ..message
        }
    }

    /// Returns the quoted message: one of the other side's, in a group anybody's.
    fn quoted(&mut self, place: Place, who: Who, quoted: &str) -> Quote {
        let chat = place.chat();
        let in_group = place.group().is_some();
        let ours = matches!(who, Who::Customer(_));
        let phones = self.phones_in(place);
        let found = phones.into_iter().find_map(|phone| {
            let thread = self.thread_mut(phone, chat);
            let other = in_group.then(|| thread.get(!ours, quoted)).flatten();
            thread.get(ours, quoted).or(other).cloned()
        });
        Quote {
            id: quoted.to_owned(),
            from_me: found.as_ref().map_or(ours, |message| message.from_me),
            author: found.as_ref().and_then(|message| message.author.clone()),
            text: found.map(|message| message.text).unwrap_or_default(),
        }
    }

    /// Sends a message again, under the same id, that our devices could not decrypt; now they can.
    pub(crate) fn decrypt(&mut self, place: Place, id: CustomerId, stanza_id: &str) {
        let sender = Sender::customer(id);
        let author = self.author(place, sender.who);
        for phone in self.phones_in(place) {
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.by(author.as_ref(), false, stanza_id) else {
                continue;
            };
            message.ciphertext = false;
            let (t, content) = (message.t, Content::of(message));
            self.spread(phone, place, sender, (stanza_id, t), content);
        }
    }

    /// Sets a customer's typing state in the direct chats with our accounts.
    pub(crate) fn type_to_us(&mut self, id: CustomerId, state: &str) {
        let chat = self.customers[id.0].jid();
        let stanza = Stanza::Chatstate {
            chat,
            participant: None,
            state: state.to_owned(),
            t: now_ms() / 1000,
        };
        self.tell_subscribers(id, &stanza);
    }

    /// Sets a customer's typing state in a group.
    pub(crate) fn type_in_group(&mut self, group: GroupId, id: CustomerId, state: &str) {
        let place = Place::Group(group);
        let stanza = Stanza::Chatstate {
            chat: self.address(place),
            participant: self.author(place, Who::Customer(id)),
            state: state.to_owned(),
            t: now_ms() / 1000,
        };
        self.tell_subscribers(group, &stanza);
    }

    fn tell_subscribers(&mut self, to: impl Into<ChatWith>, stanza: &Stanza) {
        let to = to.into();
        let asked = self
            .connections
            .values()
            .filter(|connection| connection.subscribed.contains(&to));
        let devices = asked.filter_map(|c| {
            if let Role::Device(device) = c.role {
                Some(device)
            } else {
                None
            }
        });
        for device in devices.collect::<Vec<_>>() {
            self.tell_device(device, stanza.clone());
        }
    }

    /// Moves the chat with this customer from their number to their LID, for every account that has it.
    pub(crate) fn migrate_to_lid(&mut self, id: CustomerId) {
        let customer = &self.customers[id.0];
        let from = customer.number.as_deref().map_or_else(|| customer.jid(), Jid::phone);
        if self.customers[id.0].lid.is_none() {
            self.customers[id.0].lid = Some(self.random_digits(15));
        }
        self.customers[id.0].address = Address::Lid;
        let to = self.customers[id.0].jid();
        let stanza = Stanza::Migrate {
            from,
            to,
            person: self.person(id),
        };
        for phone in 0..self.phones.len() {
            if self.phones[phone].threads.contains_key(&id.into()) {
                self.tell_devices(PhoneId(phone), None, &stanza);
            }
        }
    }
}
