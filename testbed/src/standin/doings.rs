//! What happens at a customer's end: messages reach their phone, and they read, write, type and move.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attachment::Attachment;
use super::clock::now_ms;
use super::customer::Received;
use super::jid::Jid;
use super::options::Address;
use super::people::{CustomerId, PhoneId};
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
    /// The stanza id of a message of ours that it quotes.
    pub quote: Option<String>,
    /// Whether our devices cannot decrypt it at first.
    pub undecryptable: bool,
    /// The medium that it carries; `text` is then what stands under it.
    pub attachment: Option<Attachment>,
    /// Its type where it is neither a text nor a medium, in WhatsApp Web's words.
    pub kind: Option<String>,
    /// Its fields, by WhatsApp Web's names.
    pub fields: Map<String, Value>,
    /// Whether it was forwarded.
    pub forwarded: bool,
    /// Whom its text mentions, as `@` and what stands before the address's own `@`.
    pub mentions: Vec<Jid>,
    /// How long after it was sent it disappears.
    pub expires_after_s: Option<u32>,
}

impl World {
    /// Brings a message to a customer's phone, which may be off.
    pub(crate) fn deliver(&mut self, phone: PhoneId, id: CustomerId, message: Message) {
        let customer = &mut self.customers[id.0];
        if !customer.online {
            customer.held.push_back((phone, message));
            return;
        }
        if customer.had.insert((phone, message.id.clone())) {
            let attachment = self.shown_attachment(&message.body, &message.text);
            let received = Received::new(phone, &message, attachment);
            self.customers[id.0].inbox.push(received);
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

    /// A message from a customer to one of our accounts. Gives its stanza id.
    pub(crate) fn write(&mut self, phone: PhoneId, id: CustomerId, draft: Draft) -> String {
        let stanza_id = draft.id.clone().unwrap_or_else(|| self.phone_stanza_id());
        let (text, body) = (draft.says(), self.body_of(&stanza_id, &draft));
        let quote = draft.quote.map(|quoted| {
            let text = self
                .thread_mut(phone, id)
                .get(true, &quoted)
                .map(|message| message.text.clone());
            Quote {
                id: quoted,
                from_me: true,
                text: text.unwrap_or_default(),
            }
        });
        let message = Self::new_message(stanza_id.clone(), false, text);
        let message = Message {
            quote,
            body,
            ciphertext: draft.undecryptable,
            t: draft.t.unwrap_or(message.t),
            ..message
        };
        let (t, content) = (message.t, Content::of(&message));
        let thread = self.thread_mut(phone, id);
        thread.messages.push(message);
        thread.unread += 1;
        self.spread(phone, id, None, (&stanza_id, false, t, content));
        stanza_id
    }

    /// What could not be decrypted comes again, readable, under the same id.
    pub(crate) fn decrypt(&mut self, phone: PhoneId, id: CustomerId, stanza_id: &str) {
        let Some(message) = self.thread_mut(phone, id).get_mut(false, stanza_id) else {
            return;
        };
        message.ciphertext = false;
        let (t, content) = (message.t, Content::of(message));
        self.spread(phone, id, None, (stanza_id, false, t, content));
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
            state: state.to_owned(),
            t: now_ms() / 1000,
        };
        self.tell_subscribers(id, &stanza);
    }

    fn tell_subscribers(&mut self, id: CustomerId, stanza: &Stanza) {
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
