//! A chat as the service sees it: what one of our accounts has of it, read receipts, typing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::body::Body;
use super::poll::Vote;
use crate::standin::device::DeviceId;
use crate::standin::people::jid::Jid;
use crate::standin::people::{CustomerId, GroupId, PhoneId};

/// The messages that an account has of a chat, in the order in which the service had them.
#[derive(Debug, Default)]
pub struct Thread {
    /// Texts and notices, with what was done to them since.
    pub messages: Vec<Message>,
    /// How many of the others' messages nobody on our side has read.
    pub unread: u32,
    /// After how many seconds what is written disappears; 0 for never.
    pub timer: u32,
}

/// What a reply quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Quote {
    /// The quoted stanza id.
    pub id: String,
    /// Whether it was ours.
    pub from_me: bool,
    /// In a group: who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Jid>,
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
    /// In a group: who wrote it.
    pub author: Option<Jid>,
    /// The text as it stands now, under a medium its caption. A lone surrogate stands as the character 0x100000 above it.
    pub text: String,
    /// What it is besides.
    pub body: Body,
    /// Seconds since 1970, as WhatsApp has it.
    pub t: i64,
    /// 1 with the service, 2 on the other phone, 3 read.
    pub ack: i8,
    /// In a group: how far it has come with each of the others.
    pub receipts: BTreeMap<Jid, i8>,
    /// In a group: how many others it goes to.
    pub recipients: usize,
    /// What it quotes.
    pub quote: Option<Quote>,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it was deleted for everyone.
    pub revoked: bool,
    /// By who reacted.
    pub reactions: BTreeMap<Jid, Reaction>,
    /// By who voted, where it is a poll.
    pub votes: BTreeMap<Jid, Vote>,
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
    /// The group in which, if it was in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
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
    /// Who it was sent to; in a group, whose phone it reached, if that is a customer's.
    pub customer: Option<CustomerId>,
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
    /// The group in which, if it was in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// `composing`, `recording` or `paused`.
    pub state: String,
}

impl Thread {
    /// The message under a key. In a group, where several may choose one id, the newest.
    pub fn get_mut(&mut self, from_me: bool, id: &str) -> Option<&mut Message> {
        let mut newest_first = self.messages.iter_mut().rev();
        newest_first.find(|message| message.from_me == from_me && message.id == id)
    }

    /// The message under a key.
    pub fn get(&self, from_me: bool, id: &str) -> Option<&Message> {
        let mut newest_first = self.messages.iter().rev();
        newest_first.find(|message| message.from_me == from_me && message.id == id)
    }

    /// The message that somebody wrote under an id.
    pub(crate) fn by(&mut self, author: Option<&Jid>, from_me: bool, id: &str) -> Option<&mut Message> {
        let mut newest_first = self.messages.iter_mut().rev();
        newest_first.find(|message| {
            message.from_me == from_me && message.id == id && (from_me || message.author.as_ref() == author)
        })
    }
}

impl Message {
    /// It has come so far: with the one whom it went to, or with one of the others in a group. Says whether that is news.
    pub(crate) fn reached(&mut self, member: Option<Jid>, ack: i8) -> bool {
        let so_far = match member {
            Some(member) => self.receipts.entry(member).or_insert(1),
            None => &mut self.ack,
        };
        if *so_far >= ack {
            return false;
        }
        *so_far = ack;
        // In a group it is delivered, and read, when it is so with the last of them.
        if !self.receipts.is_empty() && self.receipts.len() >= self.recipients {
            let slowest = self.receipts.values().copied().min().unwrap_or(1);
            self.ack = self.ack.max(slowest);
        }
        true
    }
}
