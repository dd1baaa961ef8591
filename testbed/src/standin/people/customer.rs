//! A customer: their actions, and what their phone shows.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::jid::Jid;
use super::place::{Place, Sender, Who};
use super::{CustomerId, CustomerState, GroupId, PhoneId};
use crate::standin::clock::now_ms;
use crate::standin::messages::attachment::{Attachment, without_bytes};
use crate::standin::messages::doings::Draft;
use crate::standin::messages::thread::{Message, Quote};
use crate::standin::net::service::Service;
use crate::standin::script::Script;
use crate::standin::world::World;

/// A message that a customer's phone shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Our account that sent it; none if another customer did.
    pub phone: Option<PhoneId>,
    /// Group in which it was sent, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// In a group: customer who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<CustomerId>,
    /// Stanza id.
    pub stanza_id: String,
    /// Type: `chat`, `image`, `ptt`, `location`, …
    pub kind: String,
    /// Current text, or a medium's caption.
    pub text: String,
    /// Time when the phone received it, in milliseconds since 1970.
    pub at_ms: i64,
    /// Quoted message.
    pub quote: Option<Quote>,
    /// Whether the customer has read it.
    pub read: bool,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it was deleted.
    pub revoked: bool,
    /// The medium, if it could be downloaded and matches what the message says of it.
    #[serde(serialize_with = "without_bytes")]
    pub attachment: Option<Attachment>,
    /// Fields of the message, by WhatsApp Web's names.
    pub details: Value,
}

impl Received {
    /// Creates the message as the phone receives it.
    pub(crate) fn new(message: &Message, attachment: Option<Attachment>) -> Self {
        Self {
            phone: None,
            group: None,
            author: None,
            stanza_id: message.id.clone(),
            kind: message.body.kind.clone(),
            text: message.text.clone(),
            at_ms: now_ms(),
            quote: message.quote.clone(),
            read: false,
            edited: message.edited,
            revoked: message.revoked,
            attachment,
            details: Value::Object(message.body.fields.clone()),
        }
    }
}

/// Data of a customer.
#[derive(Clone, Debug, Serialize)]
pub struct CustomerRecord {
    /// Id in the stand-in.
    pub id: CustomerId,
    /// Name that they chose.
    pub name: String,
    /// Phone number, digits only, also if it is hidden from us.
    pub number: Option<String>,
    /// LID, digits only.
    pub lid: Option<String>,
    /// Username.
    pub username: Option<String>,
    /// Address of the chat with them.
    pub chat: Jid,
    /// Whether their phone is on.
    pub online: bool,
}

impl CustomerState {
    fn received_mut(&mut self, place: Place, from: Who, id: &str) -> Option<&mut Received> {
        let sent = |received: &Received| match from {
            Who::Phone(phone) => received.phone == Some(phone),
            Who::Customer(author) => received.author == Some(author),
        };
        self.inbox
            .iter_mut()
            .find(|received| received.group == place.group() && received.stanza_id == id && sent(received))
    }

    /// Returns a message that waits for a phone that is off.
    fn held_mut(&mut self, place: Place, from: Who, id: &str) -> Option<&mut Message> {
        let mut held = self.held.iter_mut();
        held.find(|(at, who, message)| *at == place && *who == from && message.id == id)
            .map(|(_, _, message)| message)
    }

    /// Edits a message that they received.
    pub fn edited(&mut self, place: Place, from: Who, id: &str, text: &str) {
        if let Some(received) = self.received_mut(place, from, id) {
            text.clone_into(&mut received.text);
            received.edited = true;
            if let Some(attachment) = &mut received.attachment {
                attachment.caption = Some(text.to_owned());
            }
        } else if let Some(held) = self.held_mut(place, from, id) {
            text.clone_into(&mut held.text);
            held.edited = true;
        }
    }

    /// Deletes a message that they received.
    pub fn revoked(&mut self, place: Place, from: Who, id: &str) {
        if let Some(received) = self.received_mut(place, from, id) {
            received.revoked = true;
        } else if let Some(held) = self.held_mut(place, from, id) {
            held.revoked = true;
        }
    }
}

impl World {
    /// Returns the data of a customer.
    pub fn customer(&self, id: CustomerId) -> Option<CustomerRecord> {
        let customer = self.customers.get(id.0)?;
        Some(CustomerRecord {
            id,
            name: customer.name.clone(),
            number: customer.number.clone(),
            lid: customer.lid.clone(),
            username: customer.username.clone(),
            chat: customer.jid(),
            online: customer.online,
        })
    }

    /// Returns the data of all customers.
    pub fn known_customers(&self) -> Vec<CustomerRecord> {
        let ids = (0..self.customers.len()).map(CustomerId);
        ids.filter_map(|id| self.customer(id)).collect()
    }

    /// Returns the messages that a customer's phone shows, in the order of arrival, without duplicates.
    pub fn inbox(&self, id: CustomerId) -> &[Received] {
        self.customers.get(id.0).map_or(&[], |customer| &customer.inbox)
    }
}

/// Handle on a customer, who writes to the account with which the stand-in started.
#[derive(Clone)]
pub struct Customer {
    service: Arc<Service>,
    id: CustomerId,
    phone: PhoneId,
}

impl Customer {
    /// Creates a handle that writes to the first account.
    pub(crate) fn new(service: Arc<Service>, id: CustomerId) -> Self {
        Self {
            service,
            id,
            phone: PhoneId(0),
        }
    }

    /// Returns a handle on the same customer that writes to another account.
    #[must_use]
    pub fn to(&self, phone: PhoneId) -> Self {
        Self { phone, ..self.clone() }
    }

    /// Returns the id.
    pub fn id(&self) -> CustomerId {
        self.id
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    fn place(&self) -> Place {
        Place::Direct(self.phone, self.id)
    }

    /// Returns the address of the chat with them.
    pub fn chat(&self) -> Jid {
        self.service.look(|world| world.customers[self.id.0].jid())
    }

    /// Writes a text and returns its stanza id.
    pub fn write(&self, text: &str) -> String {
        self.send(Draft::text(text))
    }

    /// Sends a message and returns its stanza id.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a draft is sent once: `send(Draft::text(…))` is how it reads"
    )]
    pub fn send(&self, draft: Draft) -> String {
        self.service.with(|world| world.write(self.place(), self.id, &draft))
    }

    /// Writes several texts at once, in order, and returns their stanza ids.
    pub fn write_many<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> Vec<String> {
        let write = |world: &mut World, text: T| world.write(self.place(), self.id, &Draft::text(text.as_ref()));
        self.service
            .with(|world| texts.into_iter().map(|text| write(world, text)).collect())
    }

    /// Replies to a message of ours.
    pub fn reply(&self, to: &str, text: &str) -> String {
        self.send(Draft {
            quote: Some(to.to_owned()),
            ..Draft::text(text)
        })
    }

    /// Sends a message again, under the same id, that our devices could not decrypt; now they can.
    pub fn decrypt(&self, id: &str) {
        self.service.with(|world| world.decrypt(self.place(), self.id, id));
    }

    /// Edits one of their own messages.
    pub fn edit(&self, id: &str, text: &str) {
        self.service.with(|world| {
            let edit = world.phone_stanza_id();
            world.edit(self.place(), Sender::customer(self.id), (&edit, id), text);
        });
    }

    /// Deletes one of their own messages for everyone.
    pub fn delete(&self, id: &str) {
        self.service.with(|world| {
            let revoke = world.phone_stanza_id();
            let sender = Sender::customer(self.id);
            world.revoke(self.place(), sender, &revoke, (sender.who, id));
        });
    }

    /// Reacts to a message of ours; an empty emoji removes the reaction.
    pub fn react(&self, id: &str, emoji: &str) {
        self.service.with(|world| {
            let reaction = world.phone_stanza_id();
            let ours = (Who::Phone(self.phone), id);
            world.react(self.place(), Sender::customer(self.id), &reaction, ours, emoji);
        });
    }

    /// Votes in a poll, by the names of its options; no options remove the vote.
    pub fn vote<T: AsRef<str>>(&self, id: &str, options: &[T]) {
        let names: Vec<String> = options.iter().map(|name| name.as_ref().to_owned()).collect();
        self.service
            .with(|world| world.vote_by_name(self.place(), Sender::customer(self.id), id, &names));
    }

    /// Moves the position of a live location that they sent.
    pub fn move_to(&self, id: &str, lat: f64, lng: f64) {
        self.service
            .with(|world| world.move_location(self.place(), Sender::customer(self.id), id, (lat, lng)));
    }

    /// Replaces fields of one of their messages, by WhatsApp Web's names, as if it had been sent again under its id.
    pub fn update(&self, id: &str, fields: &Map<String, Value>) {
        self.service
            .with(|world| world.update(self.place(), Sender::customer(self.id), id, fields));
    }

    /// Sets the timer of disappearing messages, in seconds; 0 turns it off.
    pub fn set_disappearing(&self, seconds: u32) {
        self.service
            .with(|world| world.set_timer(self.place(), Sender::customer(self.id), seconds));
    }

    /// Starts or stops typing: `composing`, `recording` or `paused`.
    pub fn typing(&self, state: &str) {
        self.service.with(|world| world.type_to_us(self.id, state));
    }

    /// Returns the messages that their phone shows, in order.
    pub fn inbox(&self) -> Vec<Received> {
        self.service.look(|world| world.inbox(self.id).to_vec())
    }

    /// Opens the chat and reads everything.
    pub fn read_all(&self) {
        self.service.with(|world| world.read_all(self.id));
    }

    /// Plays a voice note of ours.
    pub fn listen(&self, id: &str) {
        let ids = [id.to_owned()];
        self.service.with(|world| {
            for ack in [3, 4] {
                world.receipt(self.phone, self.place(), Who::Customer(self.id), &ids, ack);
            }
        });
    }

    /// Switches their phone on or off.
    pub fn set_online(&self, online: bool) {
        self.service.with(|world| world.set_customer_online(self.id, online));
    }

    /// Sets what they do by themselves from now on.
    pub fn play(&self, script: Script) {
        self.service.with(|world| world.customers[self.id.0].script = script);
    }

    /// Returns the state (1, 2 or 3) of a message in the chat with them.
    pub fn ack_of(&self, from_me: bool, id: &str) -> Option<i8> {
        self.service
            .look(|world| Some(world.thread(self.phone, self.id)?.get(from_me, id)?.ack))
    }

    /// Waits until their phone shows a message for which `wanted` returns true.
    pub async fn received(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        self.service
            .until(|world| world.inbox(self.id).iter().find(|received| wanted(received)).cloned())
            .await
    }
}
