//! What the service does with a message that a page sends: it notes it, passes it on, and answers.

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

/// The error for a recipient who is not on WhatsApp, and for a group that there is not.
const NO_SUCH_PERSON: u16 = 404;

/// The error for a group in which the account may not write.
const NOT_ALLOWED: u16 = 403;

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
    /// Whom that means, if it is a customer.
    pub customer: Option<CustomerId>,
    /// The group, if it is one.
    pub group: Option<GroupId>,
    /// The stanza id, chosen by the sender.
    pub stanza_id: String,
    /// `text`, `edit`, `revoke`, `reaction`, `vote`, or what else it is: `image`, `location`, …
    pub kind: String,
    /// The text or caption, the new text, the emoji, or the names of what was chosen.
    pub text: String,
}

/// The error for a first contact by an account that may make none for now.
const REACH_OUT_LOCKED: u16 = 463;

impl World {
    /// A message from a linked device.
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

    /// Whether nobody there has ever written to the account.
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
                // A page that says nothing of whose it was deletes its own.
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

    /// What a page quotes: in a group it is known by its author, whoever looks at it.
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
