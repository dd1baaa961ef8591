//! Messages, inbound and outbound, and how their state changes.

pub mod details;
pub mod forward;
mod hidden;
pub mod mentions;
mod seen;
pub mod signature;
pub mod special;
pub mod vcard;
pub mod wording;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::media;
use super::media::Media;
use super::pacing::Waiting;
use super::word::words;
use super::{AccountId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};
use details::Details;

/// Earliest credible time of a message: WhatsApp began in 2009.
pub const FIRST_CREDIBLE: Timestamp = Timestamp(1_230_768_000_000);

/// Time after writing within which WhatsApp accepts an edit of a message.
pub const EDIT_WITHIN: Duration = Duration::from_mins(15);
/// Time after writing within which WhatsApp deletes a message for everyone: two days and twelve hours.
pub const DELETE_WITHIN: Duration = Duration::from_hours(60);
/// Longest emoji that is accepted, in bytes: families and flags are several characters.
pub const MAX_EMOJI_BYTES: usize = 64;

/// Longest text that is accepted, in Unicode scalar values. It is WhatsApp's own limit.
pub const MAX_TEXT_CHARS: usize = 65_536;

words! {
    /// Direction of a message.
    Direction { Inbound = "inbound", Outbound = "outbound" }
}

words! {
    /// Kind of a message. Kinds that crm does not support are stored as `Unknown` and shown as a bracketed line.
    Kind {
        Text = "text", Image = "image", Video = "video", Audio = "audio", Voice = "voice", Document = "document",
        Sticker = "sticker", Location = "location", Contact = "contact", Poll = "poll", System = "system",
        Unknown = "unknown",
    }
}

impl Kind {
    /// Returns whether WhatsApp shows a caption under a file of this kind.
    pub const fn takes_caption(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }
}

words! {
    /// Delivery state of a message.
    MessageState {
        /// A customer's message that is stored.
        Received = "received",
        /// Accepted for a later time.
        Scheduled = "scheduled",
        /// Accepted, and held for a person, who releases, changes or cancels it.
        Held = "held",
        /// Accepted, waiting in the outbox.
        Queued = "queued",
        /// The stanza id is chosen and stored, and the page may have the message.
        Sending = "sending",
        /// WhatsApp's server has it.
        Sent = "sent",
        /// The customer's phone has it.
        Delivered = "delivered",
        /// The customer has read it.
        Read = "read",
        /// The customer has played it (voice note).
        Played = "played",
        /// It was not sent and will not be.
        Failed = "failed",
        /// It may or may not have been sent; a person decides.
        Unknown = "unknown",
    }
}

impl MessageState {
    /// Returns the superseded system's number of the state: 1 sent, 2 delivered, 3 read and played, otherwise `None`.
    pub const fn ack(self) -> Option<u8> {
        match self {
            Self::Received
            | Self::Scheduled
            | Self::Held
            | Self::Queued
            | Self::Sending
            | Self::Failed
            | Self::Unknown => None,
            Self::Sent => Some(1),
            Self::Delivered => Some(2),
            Self::Read | Self::Played => Some(3),
        }
    }

    /// Returns how far an outbound message is, as a number that grows.
    const fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Scheduled | Self::Held | Self::Queued => 0,
            Self::Sending => 1,
            Self::Failed | Self::Unknown => 2,
            Self::Sent => 3,
            Self::Delivered => 4,
            Self::Read => 5,
            Self::Played => 6,
        }
    }

    /// Returns the state after WhatsApp's ack number `ack`, or `None` if it changes nothing. Acks come late, twice and
    /// out of order; a state only moves forward. An ack for a message that we had given up (`failed`, `unknown`) is
    /// true, and counts.
    #[must_use]
    pub fn after_ack(self, ack: i32) -> Option<Self> {
        if self == Self::Received || self.is_for_later() {
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
        // An error ack means that the server never accepted the message, so it cannot revoke a state of `sent` or
        // later.
        let news = if told == Self::Failed {
            matches!(self, Self::Queued | Self::Sending | Self::Unknown)
        } else {
            told.rank() > self.rank()
        };
        news.then_some(told)
    }

    /// Returns whether WhatsApp may still report a change of a message in this state.
    pub const fn is_unfinished(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Sending | Self::Sent | Self::Delivered | Self::Unknown
        )
    }

    /// States of a message for later: it is not in the outbox.
    pub const FOR_LATER: [Self; 2] = [Self::Scheduled, Self::Held];

    /// Returns whether a message in this state is for later.
    pub fn is_for_later(self) -> bool {
        Self::FOR_LATER.contains(&self)
    }

    /// Returns whether WhatsApp certainly has a message in this state.
    pub fn is_with_whatsapp(self) -> bool {
        self == Self::Received || self.reached(Self::Sent)
    }

    /// Returns whether this state is at least as far as `goal` in the order `sent → delivered → read → played`.
    pub fn reached(self, goal: Self) -> bool {
        self.ack().is_some() && self.rank() >= goal.rank()
    }
}

words! {
    /// Face in which an outbound message was written.
    Origin {
        Matrix = "matrix", Shell = "shell", Api = "api", Console = "console",
        /// The owner's own phone, or another linked device.
        Phone = "phone",
    }
}

/// Author of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Face in which it was written; `None` for a customer's own message.
    pub origin: Option<Origin>,
    /// Name that is shown: of a customer, an agent or an API key.
    pub name: String,
}

/// A message that somebody has seen, and when: it may be held and queued again after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The message.
    pub message: MessageId,
    /// Time at which it was seen.
    pub at: Timestamp,
}

/// One person's emoji on a message. Each person has at most one per message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji; empty for a reaction that was removed, which is kept so that an older one cannot undo that.
    pub emoji: String,
    /// Whether it is ours, from any face or phone.
    pub from_me: bool,
    /// In a group: the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    /// Name that is shown for the person.
    pub name: String,
    /// Time of the reaction.
    pub at: Timestamp,
}

impl Message {
    /// Returns the caption of a file. `None` if the content is only the line that stands for it.
    pub fn caption(&self) -> Option<&str> {
        let filename = self.media.as_ref().and_then(|media| media.filename.as_deref());
        let nothing = Details::default();
        let details = self.details.as_ref().unwrap_or(&nothing);
        let line = format!("[{}]", media::line(self.kind, details, filename));
        let content = self.content.as_str();
        Some(content).filter(|content| !content.is_empty() && *content != line)
    }

    /// Returns a text of the message with names for mentioned people, whose digits WhatsApp's own text has.
    pub fn named(&self, text: &str) -> String {
        let mentioned = self.details.iter().flat_map(|details| &details.mentions);
        let people = mentioned.map(|mention| (mention.user.as_str(), mention.name.as_deref()));
        mentions::with_names(text, &people).into_owned()
    }

    /// Returns the reactions to the message, without those that were removed.
    pub fn shown_reactions(&self) -> impl Iterator<Item = &Reaction> {
        self.reactions.iter().filter(|reaction| !reaction.emoji.is_empty())
    }
}

/// Code of the failure of a message that a person has cancelled before it was sent.
pub const CANCELLED: &str = "cancelled";

/// Reason why a message was not sent, or may not have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable code, such as `not_on_whatsapp` or `expired`.
    pub code: String,
    /// Sentence for people: what is wrong, then what to do.
    pub detail: String,
}

impl Failure {
    /// Returns what people are told: whether it was not, or may not have been, sent, and why.
    pub fn told(&self, state: MessageState) -> String {
        match state {
            MessageState::Unknown => format!("This may not have been sent: {}", self.detail),
            _ => format!("This was not sent: {}", self.detail),
        }
    }
}

/// A message, as all modules outside the store see it. Its JSON is `contract::MessageView`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Id of the message.
    pub id: MessageId,
    /// Customer of the conversation; `None` in a group.
    pub customer_id: Option<CustomerId>,
    /// Conversation that it belongs to.
    pub conversation_id: ConversationId,
    /// Account that sent or received it.
    pub account_id: AccountId,
    /// Direction of the message.
    pub direction: Direction,
    /// Kind of the message.
    pub kind: Kind,
    /// Text; for a kind without one, the bracketed line that stands for it.
    pub content: String,
    /// Time of writing. Inbound: WhatsApp's whole seconds; outbound: when it was accepted.
    pub timestamp: Timestamp,
    /// [`MessageState::ack`] of `state`.
    pub ack: Option<u8>,
    /// Delivery state.
    pub state: MessageState,
    /// Stanza id; `None` before it is chosen.
    pub whatsapp_id: Option<WaMessageId>,
    /// Author, where it is not the customer of the conversation.
    pub author: Option<Author>,
    /// Message that it quotes.
    pub reply_to: Option<MessageId>,
    /// Medium that it carries.
    pub media: Option<Media>,
    /// Data of special kinds.
    pub details: Option<Details>,
    /// Reactions to it.
    pub reactions: Vec<Reaction>,
    /// Time of the last edit.
    pub edited_at: Option<Timestamp>,
    /// Time of the deletion for everyone.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is from before the first login; no agent is notified of it.
    pub backfilled: bool,
    /// Reason why it was not sent, or may not have been.
    pub failure: Option<Failure>,
    /// Reason why a queued message waits, if crm itself holds it back.
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
                ("scheduled", None),
                ("held", None),
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
