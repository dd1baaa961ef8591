//! A chat in the service: its messages, read receipts, typing.

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
    /// Messages and notices in their current state.
    pub messages: Vec<Message>,
    /// Number of the others' messages that nobody on our side has read.
    pub unread: u32,
    /// Timer of disappearing messages, in seconds; 0 is off.
    pub timer: u32,
}

/// Quoted message of a reply.
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

/// A message in its current state.
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
    /// In a group: author.
    pub author: Option<Jid>,
    /// Current text, or a medium's caption. A lone surrogate is stored as the character 0x100000 above it.
    pub text: String,
    /// Type and other fields.
    pub body: Body,
    /// Seconds since 1970, as WhatsApp has it.
    pub t: i64,
    /// State: 1 with the service, 2 on the other phone, 3 read.
    pub ack: i8,
    /// In a group: state for each of the others.
    pub receipts: BTreeMap<Jid, i8>,
    /// In a group: number of the others.
    pub recipients: usize,
    /// What it quotes.
    pub quote: Option<Quote>,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it was deleted for everyone.
    pub revoked: bool,
    /// Reactions by the address of the person who reacted.
    pub reactions: BTreeMap<Jid, Reaction>,
    /// Votes by the address of the voter, if it is a poll.
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

/// State that a message of ours reached: 1 with the service, 2 on the other phone, 3 read.
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
    /// Returns the message under a key. In a group, where several people may choose the same id, the newest.
    pub fn get_mut(&mut self, from_me: bool, id: &str) -> Option<&mut Message> {
        let mut newest_first = self.messages.iter_mut().rev();
        newest_first.find(|message| message.from_me == from_me && message.id == id)
    }

    /// Returns the message under a key.
    pub fn get(&self, from_me: bool, id: &str) -> Option<&Message> {
        let mut newest_first = self.messages.iter().rev();
        newest_first.find(|message| message.from_me == from_me && message.id == id)
    }

    /// Returns the message that somebody wrote under an id.
    pub(crate) fn by(&mut self, author: Option<&Jid>, from_me: bool, id: &str) -> Option<&mut Message> {
        let mut newest_first = self.messages.iter_mut().rev();
        newest_first.find(|message| {
            message.from_me == from_me && message.id == id && (from_me || message.author.as_ref() == author)
        })
    }
}

impl Message {
    /// Raises the state of a message: for its recipient, or for one member of a group. Returns whether that changed the
    /// message's state.
    pub(crate) fn reached(&mut self, member: Option<Jid>, ack: i8) -> bool {
        let so_far = match member {
            Some(member) => self.receipts.entry(member).or_insert(1),
            None => &mut self.ack,
        };
        if *so_far >= ack {
            return false;
        }
        *so_far = ack;
        // A group message is delivered, or read, once it is so for the last of the others.
        if !self.receipts.is_empty() && self.receipts.len() >= self.recipients {
            let slowest = self.receipts.values().copied().min().unwrap_or(1);
            self.ack = self.ack.max(slowest);
        }
        true
    }
}
