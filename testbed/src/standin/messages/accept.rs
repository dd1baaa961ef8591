//! Accepts a message that a page sends: stores it, delivers it, and answers.

use serde::Serialize;

use super::body::CHAT;
use super::thread::{Message, Quote, Thread};
use crate::standin::clock::now_ms;
use crate::standin::device::DeviceId;
use crate::standin::faults::{LoseAnswer, Restriction};
use crate::standin::net::wire::{Sent, SentKind, ToPage};
use crate::standin::people::jid::Jid;
use crate::standin::people::place::{ChatWith, Place, Sender, Who};
use crate::standin::people::{CustomerId, GroupId, PhoneId};
use crate::standin::world::World;

/// Error code for a recipient who is not on WhatsApp, or a group that does not exist.
const NO_SUCH_PERSON: u16 = 404;

/// Error code for a group in which the account may not write.
const NOT_ALLOWED: u16 = 403;

/// A message that the service accepted from a page. The recipient's phone drops duplicates only after this.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// Time in milliseconds since 1970.
    pub at_ms: i64,
    /// Linked device that sent it.
    pub device: DeviceId,
    /// Account that sent it.
    pub phone: PhoneId,
    /// Address to which it was sent.
    pub to: Jid,
    /// Customer whom that address means, if it does.
    pub customer: Option<CustomerId>,
    /// Group that the address means, if it does.
    pub group: Option<GroupId>,
    /// Stanza id, which the sender chose.
    pub stanza_id: String,
    /// Kind: `text`, `edit`, `revoke`, `reaction`, `vote`, or a message type such as `image` or `location`.
    pub kind: String,
    /// Text or caption; for an edit the new text, for a reaction the emoji, for a vote the names of the options.
    pub text: String,
}

/// Error code for a first contact by an account that may make none at present.
const REACH_OUT_LOCKED: u16 = 463;

impl World {
    /// Accepts a message from a linked device.
    pub(crate) fn accept(&mut self, device: DeviceId, sent: &Sent) {
        let Some(phone) = self.devices.get(&device).map(|device| device.phone) else {
            return;
        };
        if let Some(code) = self.faults.take_refusal() {
            return self.answer(device, &sent.id, Some(code));
        }
        let Some(chat) = self.find_chat(&sent.to) else {
            return self.answer(device, &sent.id, Some(NO_SUCH_PERSON));
        };
        let place = Place::of(phone, chat);
        if let ChatWith::Group(group) = chat
            && !self.groups[group.0].hears(Who::Phone(phone))
        {
            return self.answer(device, &sent.id, Some(NOT_ALLOWED));
        }
        if self.phones[phone.0].restriction == Restriction::NewChats && self.is_new_contact(phone, chat) {
            return self.answer(device, &sent.id, Some(REACH_OUT_LOCKED));
        }
        self.accepted.push(Accepted {
            at_ms: now_ms(),
            device,
            phone,
            to: sent.to.clone(),
            customer: match chat {
                ChatWith::Customer(customer) => Some(customer),
                ChatWith::Group(_) => None,
            },
            group: place.group(),
            stanza_id: sent.id.clone(),
            kind: kind_name(sent).to_owned(),
            text: sent.text.clone(),
        });
        let lost = self.faults.take_lost_answer();
        let delay = self.faults.answer_delay;
        let sent = sent.clone();
        let sender = Sender::phone(phone, Some(device));
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
            world.pass_on(place, phone, sender, &sent);
        };
        if delay.is_zero() {
            pass(self);
        } else {
            self.later.push((delay, Box::new(pass)));
        }
    }

    /// Returns whether nobody in the chat has ever written to the account.
    fn is_new_contact(&self, phone: PhoneId, chat: ChatWith) -> bool {
        let heard = |thread: &Thread| thread.messages.iter().any(|message| !message.from_me);
        !self.thread(phone, chat).is_some_and(heard)
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

    fn pass_on(&mut self, place: Place, phone: PhoneId, sender: Sender, sent: &Sent) {
        let id = sent.target.clone().unwrap_or_default();
        let writer = self.writer(place, phone, sent.target_from_me, sent.target_author.as_ref());
        let target = writer.map(|who| (who, id.as_str()));
        match sent.kind {
            SentKind::Text => {
                self.carry_medium(&sent.id, &sent.body);
                let message = Message {
                    quote: sent.quote.clone().map(|quote| self.quote_of(place, phone, quote)),
                    body: sent.body.clone(),
                    device: sender.device,
                    ..Self::new_message(sent.id.clone(), true, sent.text.clone())
                };
                self.post(place, sender, &message);
            }
            SentKind::Edit => self.edit(place, sender, (&sent.id, &id), &sent.text),
            SentKind::Revoke => {
                // A page that does not say who wrote the message deletes its own.
                self.revoke(
                    place,
                    sender,
                    &sent.id,
                    target
                        .filter(|_| sent.target_author.is_some())
                        .unwrap_or((sender.who, &id)),
                );
            }
            SentKind::Reaction => {
                if let Some(target) = target {
                    self.react(place, sender, &sent.id, target, &sent.text);
                }
            }
            SentKind::Vote => {
                if let Some(target) = target {
                    self.vote(place, sender, &sent.id, target, &sent.options);
                }
            }
        }
    }

    /// Returns a quote with its author, which identifies it in a group for every account.
    fn quote_of(&self, place: Place, phone: PhoneId, quote: Quote) -> Quote {
        let own = quote.from_me.then(|| self.author(place, Who::Phone(phone))).flatten();
        Quote {
            author: own.or(quote.author),
            ..quote
        }
    }
}

fn kind_name(sent: &Sent) -> &str {
    match sent.kind {
        SentKind::Text if sent.body.kind != CHAT => &sent.body.kind,
        SentKind::Text => "text",
        SentKind::Edit => "edit",
        SentKind::Revoke => "revoke",
        SentKind::Reaction => "reaction",
        SentKind::Vote => "vote",
    }
}
