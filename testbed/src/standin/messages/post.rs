//! Actions in a place: messages, edits, deletions and reactions, delivered to everybody there.

use super::thread::{Message, Reaction};
use crate::standin::clock::now_ms;
use crate::standin::net::stanza::Content;
use crate::standin::people::PhoneId;
use crate::standin::people::place::{Place, Sender, Who};
use crate::standin::world::World;

impl World {
    /// Delivers a message to everybody in a place. A message of ours that is sent again under the same id is no second
    /// message; the receiving phones drop it themselves.
    pub(crate) fn post(&mut self, place: Place, sender: Sender, message: &Message) {
        for phone in self.phones_in(place) {
            let from_me = sender.is(phone);
            if from_me && self.thread_mut(phone, place.chat()).get(true, &message.id).is_some() {
                continue;
            }
            let copy = Message {
                from_me,
                quote: message.quote.as_ref().map(|quote| self.quote_for(phone, quote)),
                ..message.clone()
            };
            self.note(phone, place, sender, copy);
        }
        for customer in self.customers_in(place) {
            if sender.who != Who::Customer(customer) {
                self.deliver(place, sender.who, customer, message.clone());
            }
        }
    }

    /// Stores a message for an account and sends it to its devices.
    pub(crate) fn note(&mut self, phone: PhoneId, place: Place, sender: Sender, message: Message) {
        let message = Message {
            author: self.author(place, sender.who),
            recipients: (self.phones_in(place).len() + self.customers_in(place).len()).saturating_sub(1),
            ..message
        };
        let (id, t, content) = (message.id.clone(), message.t, Content::of(&message));
        let said = !message.body.is_notice();
        let (counts, acked) = (said && !message.from_me, said && message.from_me);
        let thread = self.thread_mut(phone, place.chat());
        thread.unread += u32::from(counts);
        thread.messages.push(message);
        if acked {
            self.note_ack(phone, place, None, &id, 1);
        }
        self.spread(phone, place, sender, (&id, t), content);
    }

    /// Edits one of the sender's messages.
    pub(crate) fn edit(&mut self, place: Place, sender: Sender, (id, target): (&str, &str), text: &str) {
        let author = self.author(place, sender.who);
        for phone in self.phones_in(place) {
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.by(author.as_ref(), sender.is(phone), target) else {
                continue;
            };
            text.clone_into(&mut message.text);
            message.edited = true;
            let content = Content::Edit {
                target: target.to_owned(),
                text: text.to_owned(),
            };
            self.spread(phone, place, sender, (id, now_ms() / 1000), content);
        }
        for customer in self.customers_in(place) {
            self.customers[customer.0].edited(place, sender.who, target, text);
        }
    }

    /// Deletes a message for everyone: one's own, or, as an admin of a group, another's.
    pub(crate) fn revoke(&mut self, place: Place, sender: Sender, id: &str, (writer, target): (Who, &str)) {
        let author = self.author(place, writer);
        for phone in self.phones_in(place) {
            let target_from_me = writer == Who::Phone(phone);
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.by(author.as_ref(), target_from_me, target) else {
                continue;
            };
            message.revoked = true;
            let content = Content::Revoke {
                target: target.to_owned(),
                target_from_me,
                target_author: author.clone(),
            };
            self.spread(phone, place, sender, (id, now_ms() / 1000), content);
        }
        for customer in self.customers_in(place) {
            self.customers[customer.0].revoked(place, writer, target);
        }
    }

    /// Adds a reaction to a message; an empty emoji removes it.
    pub(crate) fn react(&mut self, place: Place, sender: Sender, id: &str, (writer, target): (Who, &str), emoji: &str) {
        let author = self.author(place, writer);
        for phone in self.phones_in(place) {
            let who = self.author(place, sender.who).unwrap_or_else(|| {
                let chat = self.address(place);
                if sender.is(phone) {
                    self.phones[phone.0].me_in(&chat)
                } else {
                    chat
                }
            });
            let target_from_me = writer == Who::Phone(phone);
            let thread = self.thread_mut(phone, place.chat());
            let Some(message) = thread.by(author.as_ref(), target_from_me, target) else {
                continue;
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
                target_author: author.clone(),
                text: emoji.to_owned(),
            };
            self.spread(phone, place, sender, (id, now_ms() / 1000), content);
        }
    }
}
