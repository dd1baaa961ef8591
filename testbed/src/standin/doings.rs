//! What happens at a customer's end: messages reach their phone, and they read, write, type and move.

use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use super::customer::Received;
use super::jid::Jid;
use super::options::Address;
use super::people::{CustomerId, GroupId, PhoneId};
use super::place::{ChatWith, Place, Sender, Who};
use super::stanza::{Content, Stanza};
use super::thread::{Message, Quote};
use super::world::{Role, World};

/// A message that a customer is about to send.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// What it says. A lone surrogate is written as the character 0x100000 above it.
    pub text: String,
    /// Its stanza id, which senders choose, and may copy from another's; drawn if none is given.
    pub id: Option<String>,
    /// Its time in seconds since 1970; now if none is given.
    pub t: Option<i64>,
    /// The stanza id of a message that it quotes: one of ours, in a group anybody's.
    pub quote: Option<String>,
    /// Who is mentioned, by the addresses that stand behind an `@` in the text.
    pub mentions: Vec<Jid>,
    /// Whether our devices cannot decrypt it at first.
    pub undecryptable: bool,
}

impl Draft {
    /// A plain text.
    pub fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

impl World {
    /// Brings a message to a customer's phone, which may be off.
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
            customer.inbox.push(Received {
                phone,
                group: place.group(),
                author,
                stanza_id: message.id.clone(),
                text: message.text.clone(),
                at_ms: now_ms(),
                quote: message.quote,
                mentions: message.mentions,
                read: false,
                edited: message.edited,
                revoked: message.revoked,
            });
            // Nobody answers by themselves to what another customer says: two of them would never end.
            if phone.is_some() {
                self.play_script(place, id, &message.text);
            }
        }
        if let Some(phone) = phone {
            self.receipt(phone, place, Who::Customer(id), &[message.id], 2);
        }
    }

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

    pub(crate) fn read_all(&mut self, id: CustomerId) {
        let mut read: Vec<((PhoneId, Place), Vec<String>)> = Vec::new();
        for received in self.customers[id.0].inbox.iter_mut().filter(|received| !received.read) {
            received.read = true;
            // What another customer wrote in a group is nothing to our accounts.
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

    /// A message from a customer to one of our accounts, or to a group. Gives its stanza id.
    pub(crate) fn write(&mut self, place: Place, id: CustomerId, draft: Draft) -> String {
        let stanza_id = draft.id.unwrap_or_else(|| self.phone_stanza_id());
        let quote = draft.quote.map(|quoted| self.quoted(place, &quoted));
        let message = Self::new_message(stanza_id.clone(), false, draft.text);
        let message = Message {
            quote,
            mentions: draft.mentions,
            ciphertext: draft.undecryptable,
            t: draft.t.unwrap_or(message.t),
            ..message
        };
        self.post(place, Sender::customer(id), &message);
        stanza_id
    }

    /// What a customer quotes: one of ours, or what anybody wrote in a group.
    fn quoted(&mut self, place: Place, quoted: &str) -> Quote {
        let chat = place.chat();
        let in_group = place.group().is_some();
        let phones = self.phones_in(place);
        let found = phones.into_iter().find_map(|phone| {
            let thread = self.thread_mut(phone, chat);
            let other = in_group.then(|| thread.get(false, quoted)).flatten();
            thread.get(true, quoted).or(other).cloned()
        });
        Quote {
            id: quoted.to_owned(),
            from_me: found.as_ref().is_none_or(|message| message.from_me),
            author: found.as_ref().and_then(|message| message.author.clone()),
            text: found.map(|message| message.text).unwrap_or_default(),
        }
    }

    /// What could not be decrypted comes again, readable, under the same id.
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

    pub(crate) fn rename(&mut self, id: CustomerId, name: &str, saved_name: Option<&str>) {
        let customer = &mut self.customers[id.0];
        name.clone_into(&mut customer.name);
        customer.saved_name = saved_name.map(str::to_owned);
        let chat = customer.jid();
        let stanza = Stanza::Contact {
            chat,
            person: self.person(id),
        };
        for phone in 0..self.phones.len() {
            self.tell_devices(PhoneId(phone), None, &stanza);
        }
    }

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

    /// The chat with this customer moves from their number to their LID, for every account that has it.
    pub(crate) fn migrate_to_lid(&mut self, id: CustomerId) {
        let from = self.customers[id.0].jid();
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
