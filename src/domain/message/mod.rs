//! A message, in or out, and how its state moves.

pub mod details;
pub mod special;
pub mod wording;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::media::Media;
use super::pacing::Waiting;
use super::word::words;
use super::{AccountId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};
use details::Details;

/// How long after it was written WhatsApp takes an edit of a message.
pub const EDIT_WITHIN: Duration = Duration::from_mins(15);
/// How long after it was written WhatsApp deletes a message for everyone: two days and twelve hours.
pub const DELETE_WITHIN: Duration = Duration::from_hours(60);
/// The longest emoji that is taken for one, in bytes: families and flags are several characters.
pub const MAX_EMOJI_BYTES: usize = 64;

/// The longest text that we take, in Unicode scalar values. WhatsApp's own limit is 65,536.
pub const MAX_TEXT_CHARS: usize = 65_536;

words! {
    /// Which way a message went.
    Direction { Inbound = "inbound", Outbound = "outbound" }
}

words! {
    /// What a message carries. Kinds that are not built yet are kept as `Unknown` and shown as a bracketed line.
    Kind {
        Text = "text", Image = "image", Video = "video", Audio = "audio", Voice = "voice", Document = "document",
        Sticker = "sticker", Location = "location", Contact = "contact", Poll = "poll", System = "system",
        Unknown = "unknown",
    }
}

words! {
    /// Where a message is on its way.
    MessageState {
        /// A customer's message that we hold.
        Received = "received",
        /// Accepted and in the outbox.
        Queued = "queued",
        /// Its stanza id is chosen and stored, and the page may have it.
        Sending = "sending",
        /// WhatsApp's server has it.
        Sent = "sent",
        /// The customer's phone has it.
        Delivered = "delivered",
        /// The customer has read it.
        Read = "read",
        /// The customer has played it (voice).
        Played = "played",
        /// It was not sent and will not be.
        Failed = "failed",
        /// It may or may not have been sent; a person decides.
        Unknown = "unknown",
    }
}

impl MessageState {
    /// The number of the superseded system: null while queued or failed, 1 sent, 2 delivered, 3 read and played.
    pub const fn ack(self) -> Option<u8> {
        match self {
            Self::Received | Self::Queued | Self::Sending | Self::Failed | Self::Unknown => None,
            Self::Sent => Some(1),
            Self::Delivered => Some(2),
            Self::Read | Self::Played => Some(3),
        }
    }

    /// How far along the way of an outbound message this is.
    const fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 0,
            Self::Sending => 1,
            Self::Failed | Self::Unknown => 2,
            Self::Sent => 3,
            Self::Delivered => 4,
            Self::Read => 5,
            Self::Played => 6,
        }
    }

    /// The state after WhatsApp's ack number `ack` was seen, or nothing when it tells nothing new. Acks come late, twice
    /// and out of order; a state only ever moves forward. An ack on a message that we had given up (`failed`, `unknown`)
    /// is the truth, and wins.
    #[must_use]
    pub fn after_ack(self, ack: i32) -> Option<Self> {
        if self == Self::Received {
            return None;
        }
        let told = match ack {
            ..=-1 => Self::Failed,
            0 => return None,
            1 => Self::Sent,
            2 => Self::Delivered,
            3 => Self::Read,
            _ => Self::Played,
        };
        // An error ack is about a message that the server never took: it cannot take back what is already known sent.
        let news = if told == Self::Failed {
            matches!(self, Self::Queued | Self::Sending | Self::Unknown)
        } else {
            told.rank() > self.rank()
        };
        news.then_some(told)
    }

    /// Whether WhatsApp may still tell more about a message in this state.
    pub const fn is_unfinished(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Sending | Self::Sent | Self::Delivered | Self::Unknown
        )
    }

    /// Whether WhatsApp has a message in this state, for certain.
    pub fn is_with_whatsapp(self) -> bool {
        self == Self::Received || self.reached(Self::Sent)
    }

    /// Whether this is at least as far as `goal` on the way `sent → delivered → read → played`.
    pub fn reached(self, goal: Self) -> bool {
        self.ack().is_some() && self.rank() >= goal.rank()
    }
}

words! {
    /// From which face an outbound message was written.
    Origin {
        Matrix = "matrix", Shell = "shell", Api = "api", Console = "console",
        /// On the owner's own phone, or another linked device.
        Phone = "phone",
    }
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The face that it was written in; absent for a customer's own message.
    pub origin: Option<Origin>,
    /// The name that people know the author by: a customer's, an agent's, or an API key's.
    pub name: String,
}

/// Somebody's emoji under a message. Each person has at most one there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    pub emoji: String,
    /// Ours, from whatever face or phone.
    pub from_me: bool,
    /// In a group: which of its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    /// The name that people know them by.
    pub name: String,
    pub at: Timestamp,
}

impl Reaction {
    /// Whether both are of the same person.
    pub fn is_of_same(&self, other: &Self) -> bool {
        self.from_me == other.from_me && (self.from_me || self.sender == other.sender)
    }
}

/// Why a message was not sent, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable word, such as `not_on_whatsapp` or `expired`.
    pub code: String,
    /// What is wrong, then what to do about it.
    pub detail: String,
}

/// A message as everybody outside the store sees it. Its JSON is `contract::MessageView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub direction: Direction,
    pub kind: Kind,
    /// The text; for a kind without one, the bracketed line that stands for it.
    pub content: String,
    /// When it was written (inbound: WhatsApp's whole seconds; outbound: when it was accepted).
    pub timestamp: Timestamp,
    /// [`MessageState::ack`] of `state`.
    pub ack: Option<u8>,
    pub state: MessageState,
    /// The stanza id, once chosen.
    pub whatsapp_id: Option<WaMessageId>,
    pub author: Option<Author>,
    pub reply_to: Option<MessageId>,
    pub media: Option<Media>,
    pub details: Option<Details>,
    pub reactions: Vec<Reaction>,
    pub edited_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// Older than the first login: nobody is called for it.
    pub backfilled: bool,
    pub failure: Option<Failure>,
    /// Why a queued message does not go out yet, where that is our own will.
    pub waiting: Option<Waiting>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_in_any_order_move_only_forward() {
        let mut state = MessageState::Sending;
        let mut seen = vec![];
        for ack in [0, 2, 1, 3, 2, 4, -1] {
            if let Some(next) = state.after_ack(ack) {
                state = next;
                seen.push(next);
            }
        }
        assert_eq!(
            seen,
            [MessageState::Delivered, MessageState::Read, MessageState::Played]
        );
    }

    #[test]
    fn ack_overrules_failed_or_unknown_message() {
        assert_eq!(MessageState::Unknown.after_ack(1), Some(MessageState::Sent));
        assert_eq!(MessageState::Failed.after_ack(2), Some(MessageState::Delivered));
        assert_eq!(MessageState::Sending.after_ack(-1), Some(MessageState::Failed));
        assert_eq!(MessageState::Sent.after_ack(-1), None);
        assert_eq!(MessageState::Received.after_ack(3), None);
    }

    /// rule 28.
    #[test]
    fn ack_number_matches_superseded_system() {
        let acks: Vec<_> = MessageState::ALL
            .iter()
            .map(|state| (state.as_str(), state.ack()))
            .collect();
        assert_eq!(
            acks,
            [
                ("received", None),
                ("queued", None),
                ("sending", None),
                ("sent", Some(1)),
                ("delivered", Some(2)),
                ("read", Some(3)),
                ("played", Some(3)),
                ("failed", None),
                ("unknown", None),
            ]
        );
    }
}
