//! A chat as the service sees it: the messages between one of our accounts and one customer, read receipts, typing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::body::Body;
use super::device::DeviceId;
use super::jid::Jid;
use super::people::{CustomerId, PhoneId};

/// The messages between an account and a customer, in the order in which the service had them.
#[derive(Debug, Default)]
pub struct Thread {
    /// Texts, with what was done to them since.
    pub messages: Vec<Message>,
    /// How many of the customer's messages nobody on our side has read.
    pub unread: u32,
}

/// What a reply quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Quote {
    /// The quoted stanza id.
    pub id: String,
    /// Whether it was ours.
    pub from_me: bool,
    /// The text as quoted.
    pub text: String,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The emoji.
    pub text: String,
    /// The stanza id of the reaction.
    pub id: String,
    /// Seconds since 1970.
    pub t: i64,
}

/// A message.
#[derive(Clone, Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing that can happen to a message, in any combination"
)]
pub struct Message {
    /// The stanza id, chosen by the sender.
    pub id: String,
    /// Whether one of our devices sent it.
    pub from_me: bool,
    /// The text as it stands now, under a medium its caption. A lone surrogate stands as the character 0x100000 above it.
    pub text: String,
    /// What it is besides.
    pub body: Body,
    /// Seconds since 1970, as WhatsApp has it.
    pub t: i64,
    /// 1 with the service, 2 on the other phone, 3 read.
    pub ack: i8,
    /// What it quotes.
    pub quote: Option<Quote>,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it was deleted for everyone.
    pub revoked: bool,
    /// By who reacted.
    pub reactions: BTreeMap<Jid, Reaction>,
    /// The linked device that sent it; the phone itself or the customer otherwise.
    pub device: Option<DeviceId>,
    /// Whether the recipient could not decrypt it yet.
    pub ciphertext: bool,
}

/// A read receipt that reached a customer.
#[derive(Clone, Debug, Serialize)]
pub struct ReadReceipt {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Whose account read.
    pub phone: PhoneId,
    /// Whose messages were read.
    pub customer: CustomerId,
    /// The stanza ids.
    pub ids: Vec<String>,
    /// The linked device that sent it; the phone itself otherwise.
    pub device: Option<DeviceId>,
}

/// A state that a message of ours reached: 1 when the service has it, 2 on the other phone, 3 read.
#[derive(Clone, Debug, Serialize)]
pub struct AckChange {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Whose account.
    pub phone: PhoneId,
    /// Who it was sent to.
    pub customer: CustomerId,
    /// The stanza id.
    pub stanza_id: String,
    /// The state.
    pub ack: i8,
}

/// A change of "typing…" that a customer saw.
#[derive(Clone, Debug, Serialize)]
pub struct Typing {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Whose account.
    pub phone: PhoneId,
    /// Who saw it.
    pub customer: CustomerId,
    /// `composing`, `recording` or `paused`.
    pub state: String,
}

impl Thread {
    /// The message under a key.
    pub fn get_mut(&mut self, from_me: bool, id: &str) -> Option<&mut Message> {
        self.messages
            .iter_mut()
            .find(|message| message.from_me == from_me && message.id == id)
    }

    /// The message under a key.
    pub fn get(&self, from_me: bool, id: &str) -> Option<&Message> {
        self.messages
            .iter()
            .find(|message| message.from_me == from_me && message.id == id)
    }
}
