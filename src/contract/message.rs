//! Messages.

use serde::{Deserialize, Serialize};

use super::{DetailsView, MediaView};
use crate::domain::message::{Author, Direction, Failure, Kind, Message, MessageState, Origin, Reaction};
use crate::domain::pacing::{WaitReason, Waiting};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};

/// A message, in or out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    pub id: MessageId,
    /// Null in a group.
    pub customer_id: Option<CustomerId>,
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub direction: Direction,
    pub kind: Kind,
    /// The text; for a kind without one, the bracketed line that stands for it.
    pub content: String,
    /// When it was written (inbound: WhatsApp's whole seconds; outbound: when it was accepted).
    pub timestamp: Timestamp,
    /// The state as the superseded system's number: 1 sent, 2 delivered, 3 read or played; null otherwise.
    pub ack: Option<u8>,
    pub state: MessageState,
    /// The stanza id, once chosen.
    pub whatsapp_id: Option<WaMessageId>,
    pub author: Option<AuthorView>,
    pub reply_to: Option<MessageId>,
    pub media: Option<MediaView>,
    pub details: Option<DetailsView>,
    pub reactions: Vec<ReactionView>,
    pub edited_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// Whether it is older than the account's first login. Nobody is notified of it.
    pub backfilled: bool,
    /// Why it was not sent, or may not have been.
    pub failure: Option<FailureView>,
    /// Why a queued message is held back by the desk itself; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
}

/// The writer of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorView {
    /// Where it was written; absent for a customer's own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// A customer's name, an agent's, or an API key's.
    pub name: String,
}

/// An emoji under a message. Each person has at most one there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionView {
    pub emoji: String,
    /// Whether it is the desk's, from whatever client or phone.
    pub from_me: bool,
    /// In a group, the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    pub name: String,
    pub at: Timestamp,
}

/// The reason why a message was not sent, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    /// A stable word, such as `not_on_whatsapp` or `expired`.
    pub code: String,
    /// What is wrong, then what to do about it.
    pub detail: String,
}

/// The reason why a queued message is held back, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    pub reason: WaitReason,
    pub until: Timestamp,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            customer_id: message.customer_id,
            conversation_id: message.conversation_id,
            account_id: message.account_id,
            direction: message.direction,
            kind: message.kind,
            content: message.content,
            timestamp: message.timestamp,
            ack: message.ack,
            state: message.state,
            whatsapp_id: message.whatsapp_id,
            author: message.author.map(Into::into),
            reply_to: message.reply_to,
            media: message.media.map(Into::into),
            details: message.details.map(Into::into),
            reactions: message.reactions.into_iter().map(Into::into).collect(),
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            backfilled: message.backfilled,
            failure: message.failure.map(Into::into),
            waiting: message.waiting.map(Into::into),
        }
    }
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        message.clone().into()
    }
}

impl From<Author> for AuthorView {
    fn from(Author { origin, name }: Author) -> Self {
        Self { origin, name }
    }
}

impl From<Reaction> for ReactionView {
    fn from(reaction: Reaction) -> Self {
        Self {
            emoji: reaction.emoji,
            from_me: reaction.from_me,
            sender: reaction.sender,
            name: reaction.name,
            at: reaction.at,
        }
    }
}

impl From<Failure> for FailureView {
    fn from(Failure { code, detail }: Failure) -> Self {
        Self { code, detail }
    }
}

impl From<Waiting> for WaitingView {
    fn from(Waiting { reason, until }: Waiting) -> Self {
        Self { reason, until }
    }
}
