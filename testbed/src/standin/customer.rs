//! A customer: what they do, and what their phone shows them.

use std::sync::Arc;

use serde::Serialize;

use super::clock::now_ms;
use super::jid::Jid;
use super::options::Address;
use super::people::{CustomerId, CustomerState, PhoneId, Picture};
use super::script::Script;
use super::service::Service;
use super::stanza::{Content, Stanza};
use super::thread::{Message, Quote};
use super::world::{Role, World};

/// A message that a customer's phone shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Whose account sent it.
    pub phone: PhoneId,
    /// The stanza id.
    pub stanza_id: String,
    /// The text as it stands now.
    pub text: String,
    /// Milliseconds since 1970 at which the phone had it.
    pub at_ms: i64,
    /// What it quotes.
    pub quote: Option<Quote>,
    /// Whether the customer has read it.
    pub read: bool,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it was deleted.
    pub revoked: bool,
}

/// What is known of a customer.
#[derive(Clone, Debug, Serialize)]
pub struct CustomerRecord {
    /// Who.
    pub id: CustomerId,
    /// The name that they gave themselves.
    pub name: String,
    /// The phone number, digits only, also when it is hidden from us.
    pub number: Option<String>,
    /// The LID, digits only.
    pub lid: Option<String>,
    /// The address of the chat with them.
    pub chat: Jid,
    /// Whether their phone is on.
    pub online: bool,
}

impl CustomerState {
    pub fn received_mut(&mut self, phone: PhoneId, id: &str) -> Option<&mut Received> {
        self.inbox
            .iter_mut()
            .find(|received| received.phone == phone && received.stanza_id == id)
    }
}

impl World {
    /// What is known of a customer.
    pub fn customer(&self, id: CustomerId) -> Option<CustomerRecord> {
        let customer = self.customers.get(id.0)?;
        Some(CustomerRecord {
            id,
            name: customer.name.clone(),
            number: customer.number.clone(),
            lid: customer.lid.clone(),
            chat: customer.jid(),
            online: customer.online,
        })
    }

    /// What a customer's phone shows, in the order of arrival, after doubles were removed.
    pub fn inbox(&self, id: CustomerId) -> &[Received] {
        self.customers.get(id.0).map_or(&[], |customer| &customer.inbox)
    }

    /// Brings a message to a customer's phone, which may be off.
    pub(crate) fn deliver(&mut self, phone: PhoneId, id: CustomerId, message: Message) {
        let customer = &mut self.customers[id.0];
        if !customer.online {
            customer.held.push_back((phone, message));
            return;
        }
        if customer.had.insert((phone, message.id.clone())) {
            customer.inbox.push(Received {
                phone,
                stanza_id: message.id.clone(),
                text: message.text.clone(),
                at_ms: now_ms(),
                quote: message.quote,
                read: false,
                edited: message.edited,
                revoked: message.revoked,
            });
            self.play_script(phone, id, &message.text);
        }
        self.receipt(phone, id, &[message.id], 2);
    }

    pub(crate) fn set_customer_online(&mut self, id: CustomerId, online: bool) {
        self.customers[id.0].online = online;
        if online {
            while let Some((phone, message)) = self.customers[id.0].held.pop_front() {
                self.deliver(phone, id, message);
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
        let mut read: Vec<(PhoneId, Vec<String>)> = Vec::new();
        for received in self.customers[id.0].inbox.iter_mut().filter(|received| !received.read) {
            received.read = true;
            match read.iter_mut().find(|(phone, _)| *phone == received.phone) {
                Some((_, ids)) => ids.push(received.stanza_id.clone()),
                None => read.push((received.phone, vec![received.stanza_id.clone()])),
            }
        }
        for (phone, ids) in read {
            self.receipt(phone, id, &ids, 3);
        }
    }

    /// A text from a customer to one of our accounts. Gives its stanza id.
    pub(crate) fn write(&mut self, phone: PhoneId, id: CustomerId, text: String, quote: Option<Quote>) -> String {
        let stanza_id = self.phone_stanza_id();
        self.take_in(
            phone,
            id,
            Message {
                quote,
                ..Self::new_message(stanza_id.clone(), false, text)
            },
        );
        stanza_id
    }

    fn take_in(&mut self, phone: PhoneId, id: CustomerId, message: Message) {
        let (stanza_id, content) = (message.id.clone(), Content::of(&message));
        let thread = self.thread_mut(phone, id);
        thread.messages.push(message);
        thread.unread += 1;
        self.spread(phone, id, None, (&stanza_id, false, content));
    }

    pub(crate) fn tell_subscribers(&mut self, id: CustomerId, stanza: &Stanza) {
        let asked = self
            .connections
            .values()
            .filter(|connection| connection.subscribed.contains(&id));
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
            if self.phones[phone].threads.contains_key(&id) {
                self.tell_devices(PhoneId(phone), None, &stanza);
            }
        }
    }
}

/// A handle on a customer, who writes to the account that the stand-in started with.
#[derive(Clone)]
pub struct Customer {
    service: Arc<Service>,
    id: CustomerId,
    phone: PhoneId,
}

impl Customer {
    pub(crate) fn new(service: Arc<Service>, id: CustomerId) -> Self {
        Self {
            service,
            id,
            phone: PhoneId(0),
        }
    }

    /// The same customer, writing to another account.
    #[must_use]
    pub fn to(&self, phone: PhoneId) -> Self {
        Self { phone, ..self.clone() }
    }

    /// Who.
    pub fn id(&self) -> CustomerId {
        self.id
    }

    /// The address of the chat with them.
    pub fn chat(&self) -> Jid {
        self.service.look(|world| world.customers[self.id.0].jid())
    }

    /// Writes a text. Gives its stanza id.
    pub fn write(&self, text: &str) -> String {
        self.service
            .with(|world| world.write(self.phone, self.id, text.to_owned(), None))
    }

    /// Writes several texts at once, in order. Gives their stanza ids.
    pub fn write_many<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> Vec<String> {
        let write = |world: &mut World, text: T| world.write(self.phone, self.id, text.as_ref().to_owned(), None);
        self.service
            .with(|world| texts.into_iter().map(|text| write(world, text)).collect())
    }

    /// Writes a text that our devices cannot decrypt at first. Gives its stanza id.
    pub fn write_undecryptable(&self, text: &str) -> String {
        self.service.with(|world| {
            let id = world.phone_stanza_id();
            let message = Message {
                ciphertext: true,
                ..World::new_message(id.clone(), false, text.to_owned())
            };
            world.take_in(self.phone, self.id, message);
            id
        })
    }

    /// What could not be decrypted comes again, readable, under the same id.
    pub fn decrypt(&self, id: &str) {
        self.service.with(|world| {
            let Some(message) = world.thread_mut(self.phone, self.id).get_mut(false, id) else {
                return;
            };
            message.ciphertext = false;
            let content = Content::of(message);
            world.spread(self.phone, self.id, None, (id, false, content));
        });
    }

    /// Replies to a message of ours.
    pub fn reply(&self, to: &str, text: &str) -> String {
        self.service.with(|world| {
            let quoted = world
                .thread_mut(self.phone, self.id)
                .get(true, to)
                .map(|message| message.text.clone());
            let quote = Quote {
                id: to.to_owned(),
                from_me: true,
                text: quoted.unwrap_or_default(),
            };
            world.write(self.phone, self.id, text.to_owned(), Some(quote))
        })
    }

    /// Edits one of their own messages.
    pub fn edit(&self, id: &str, text: &str) {
        self.service.with(|world| {
            let edit = world.phone_stanza_id();
            world.edit(self.phone, self.id, None, (false, &edit, id), text);
        });
    }

    /// Deletes one of their own messages for everyone.
    pub fn delete(&self, id: &str) {
        self.service.with(|world| {
            let revoke = world.phone_stanza_id();
            world.revoke(self.phone, self.id, None, (false, &revoke, id));
        });
    }

    /// Reacts to a message of ours; an empty emoji takes the reaction back.
    pub fn react(&self, id: &str, emoji: &str) {
        self.service.with(|world| {
            let reaction = world.phone_stanza_id();
            world.react(self.phone, self.id, None, (false, &reaction), (true, id), emoji);
        });
    }

    /// Starts or stops typing: `composing`, `recording` or `paused`.
    pub fn typing(&self, state: &str) {
        self.service.with(|world| {
            let chat = world.customers[self.id.0].jid();
            let stanza = Stanza::Chatstate {
                chat,
                state: state.to_owned(),
                t: now_ms() / 1000,
            };
            world.tell_subscribers(self.id, &stanza);
        });
    }

    /// What their phone shows, in order.
    pub fn inbox(&self) -> Vec<Received> {
        self.service.look(|world| world.inbox(self.id).to_vec())
    }

    /// Opens the chat and reads everything.
    pub fn read_all(&self) {
        self.service.with(|world| world.read_all(self.id));
    }

    /// Switches their phone on or off.
    pub fn set_online(&self, online: bool) {
        self.service.with(|world| world.set_customer_online(self.id, online));
    }

    /// What they do by themselves from now on.
    pub fn play(&self, script: Script) {
        self.service.with(|world| world.customers[self.id.0].script = script);
    }

    /// Changes the name that they gave themselves, or the one in our phone's address book.
    pub fn rename(&self, name: &str, saved_name: Option<&str>) {
        self.service.with(|world| {
            let customer = &mut world.customers[self.id.0];
            name.clone_into(&mut customer.name);
            customer.saved_name = saved_name.map(str::to_owned);
            let stanza = Stanza::Contact {
                chat: customer.jid(),
                person: world.person(self.id),
            };
            world.tell_devices(self.phone, None, &stanza);
        });
    }

    /// Changes their profile picture.
    pub fn set_picture(&self, mimetype: &str, bytes: Vec<u8>) {
        self.service.with(|world| {
            let path = format!("/pps/{}.jpg", world.random_hex::<8>());
            world.customers[self.id.0].picture = Some(Picture {
                path,
                mimetype: mimetype.to_owned(),
                bytes,
            });
        });
    }

    /// Moves the chat from their number to their LID.
    pub fn migrate_to_lid(&self) {
        self.service.with(|world| world.migrate_to_lid(self.id));
    }

    /// The state of a message that they wrote or that we sent them: 1, 2 or 3.
    pub fn ack_of(&self, from_me: bool, id: &str) -> Option<i8> {
        self.service
            .look(|world| Some(world.thread(self.phone, self.id)?.get(from_me, id)?.ack))
    }

    /// Resolves once their phone shows a message that `wanted` takes.
    pub async fn received(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        self.service
            .until(|world| world.inbox(self.id).iter().find(|received| wanted(received)).cloned())
            .await
    }
}
