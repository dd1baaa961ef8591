//! What the service does with a message that a page sends: it notes it, passes it on, and answers.

use serde::Serialize;

use super::body::CHAT;
use super::clock::now_ms;
use super::device::DeviceId;
use super::faults::LoseAnswer;
use super::jid::Jid;
use super::people::{CustomerId, PhoneId};
use super::stanza::Content;
use super::thread::{Message, Reaction};
use super::wire::{Sent, SentKind, ToPage};
use super::world::World;

/// The error for a recipient who is not on WhatsApp.
const NO_SUCH_PERSON: u16 = 404;

/// A message that the service accepted from a page. The recipient's phone removes doubles only after this.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The linked device that sent it.
    pub device: DeviceId,
    /// Its account.
    pub phone: PhoneId,
    /// The address it was sent to.
    pub to: Jid,
    /// Whom that means.
    pub customer: CustomerId,
    /// The stanza id, chosen by the sender.
    pub stanza_id: String,
    /// `text`, `edit`, `revoke`, `reaction`, or what else it is: `image`, `location`, …
    pub kind: String,
    /// The text or caption, the new text, or the emoji.
    pub text: String,
}

impl World {
    /// A message from a linked device.
    pub(crate) fn accept(&mut self, device: DeviceId, sent: &Sent) {
        let Some(phone) = self.devices.get(&device).map(|device| device.phone) else {
            return;
        };
        if let Some(code) = self.faults.take_refusal() {
            return self.answer(device, &sent.id, Some(code));
        }
        let Some(customer) = self.find(&sent.to) else {
            return self.answer(device, &sent.id, Some(NO_SUCH_PERSON));
        };
        self.accepted.push(Accepted {
            at_ms: now_ms(),
            device,
            phone,
            to: sent.to.clone(),
            customer,
            stanza_id: sent.id.clone(),
            kind: kind_name(sent).to_owned(),
            text: sent.text.clone(),
        });
        let lost = self.faults.take_lost_answer();
        let delay = self.faults.answer_delay;
        let sent = sent.clone();
        let pass = move |world: &mut World| {
            match lost {
                None => world.answer(device, &sent.id, None),
                Some(LoseAnswer::Silence) => {}
                Some(LoseAnswer::DropSocket) => {
                    if let Some(connection) = world.connection_of(device) {
                        world.hang_up(connection);
                    }
                }
            }
            world.pass_on(device, phone, customer, &sent);
        };
        if delay.is_zero() {
            pass(self);
        } else {
            self.later.push((delay, Box::new(pass)));
        }
    }

    fn answer(&mut self, device: DeviceId, id: &str, error: Option<u16>) {
        if let Some(connection) = self.connection_of(device) {
            self.send(
                connection,
                &ToPage::Sent {
                    id: id.to_owned(),
                    t: now_ms() / 1000,
                    error,
                },
            );
        }
    }

    fn pass_on(&mut self, device: DeviceId, phone: PhoneId, customer: CustomerId, sent: &Sent) {
        let target = sent.target.clone().unwrap_or_default();
        match sent.kind {
            SentKind::Text => {
                self.carry_medium(&sent.id, &sent.body);
                let message = Message {
                    quote: sent.quote.clone(),
                    body: sent.body.clone(),
                    device: Some(device),
                    ..Self::new_message(sent.id.clone(), true, sent.text.clone())
                };
                self.send_text(phone, customer, message);
            }
            SentKind::Edit => self.edit(phone, customer, Some(device), (true, &sent.id, &target), &sent.text),
            SentKind::Revoke => self.revoke(phone, customer, Some(device), (true, &sent.id, &target)),
            SentKind::Reaction => {
                self.react(
                    phone,
                    customer,
                    Some(device),
                    (true, &sent.id),
                    (sent.target_from_me, &target),
                    &sent.text,
                );
            }
        }
    }

    /// A message from one of our devices, or from the phone itself.
    pub(crate) fn send_text(&mut self, phone: PhoneId, customer: CustomerId, message: Message) {
        let thread = self.thread_mut(phone, customer);
        let known = thread.get(true, &message.id).is_some();
        if !known {
            thread.messages.push(message.clone());
            self.note_ack(phone, customer, &message.id, 1);
            let content = Content::of(&message);
            self.spread(phone, customer, message.device, (&message.id, true, message.t, content));
        }
        self.deliver(phone, customer, message);
    }

    pub(crate) fn edit(
        &mut self,
        phone: PhoneId,
        customer: CustomerId,
        device: Option<DeviceId>,
        (from_me, id, target): (bool, &str, &str),
        text: &str,
    ) {
        let Some(message) = self.thread_mut(phone, customer).get_mut(from_me, target) else {
            return;
        };
        text.clone_into(&mut message.text);
        message.edited = true;
        if from_me {
            self.customers[customer.0].edited(phone, target, text);
        }
        let content = Content::Edit {
            target: target.to_owned(),
            text: text.to_owned(),
        };
        self.spread(phone, customer, device, (id, from_me, now_ms() / 1000, content));
    }

    pub(crate) fn revoke(
        &mut self,
        phone: PhoneId,
        customer: CustomerId,
        device: Option<DeviceId>,
        (from_me, id, target): (bool, &str, &str),
    ) {
        let Some(message) = self.thread_mut(phone, customer).get_mut(from_me, target) else {
            return;
        };
        message.revoked = true;
        if from_me {
            self.customers[customer.0].revoked(phone, target);
        }
        let content = Content::Revoke {
            target: target.to_owned(),
        };
        self.spread(phone, customer, device, (id, from_me, now_ms() / 1000, content));
    }

    pub(crate) fn react(
        &mut self,
        phone: PhoneId,
        customer: CustomerId,
        device: Option<DeviceId>,
        (from_me, id): (bool, &str),
        (target_from_me, target): (bool, &str),
        emoji: &str,
    ) {
        let chat = self.customers[customer.0].jid();
        let who = if from_me {
            self.phones[phone.0].me_in(&chat)
        } else {
            chat
        };
        let Some(message) = self.thread_mut(phone, customer).get_mut(target_from_me, target) else {
            return;
        };
        if emoji.is_empty() {
            message.reactions.remove(&who);
        } else {
            let reaction = Reaction {
                text: emoji.to_owned(),
                id: id.to_owned(),
                t: now_ms() / 1000,
            };
            message.reactions.insert(who, reaction);
        }
        let content = Content::Reaction {
            target: target.to_owned(),
            target_from_me,
            text: emoji.to_owned(),
        };
        self.spread(phone, customer, device, (id, from_me, now_ms() / 1000, content));
    }
}

fn kind_name(sent: &Sent) -> &str {
    match sent.kind {
        SentKind::Text if sent.body.kind != CHAT => &sent.body.kind,
        SentKind::Text => "text",
        SentKind::Edit => "edit",
        SentKind::Revoke => "revoke",
        SentKind::Reaction => "reaction",
    }
}
