//! Messages, with author, reactions and failure.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DetailsView, MediaView};
use crate::domain::mentions;
use crate::domain::message::{Author, Direction, Failure, Kind, Message, MessageState, Origin, Reaction};
use crate::domain::pacing::{WaitReason, Waiting};
use crate::domain::{AccountId, ConversationId, CustomerId, MessageId, Timestamp, WaMessageId, WaUserId};

/// A message, inbound or outbound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageView {
    /// Id of the message.
    pub id: MessageId,
    /// Customer of the conversation; null in a group.
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
    /// The superseded system's number of the state: 1 sent, 2 delivered, 3 read or played; null otherwise.
    pub ack: Option<u8>,
    /// Delivery state.
    pub state: MessageState,
    /// Stanza id; null before it is chosen.
    pub whatsapp_id: Option<WaMessageId>,
    /// Author, where it is not the customer of the conversation.
    pub author: Option<AuthorView>,
    /// Message that it quotes.
    pub reply_to: Option<MessageId>,
    /// Medium that it carries.
    pub media: Option<MediaView>,
    /// Data of special kinds.
    pub details: Option<DetailsView>,
    /// Reactions to it.
    pub reactions: Vec<ReactionView>,
    /// Time of the last edit.
    pub edited_at: Option<Timestamp>,
    /// Time of the deletion for everyone.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is from before the account's first login. No agent is notified of it.
    pub backfilled: bool,
    /// Reason why it was not sent, or may not have been sent.
    pub failure: Option<FailureView>,
    /// Reason why crm itself holds back a message that is queued or for later; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
    /// Time for which a message for later was accepted; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Message whose content it is, if a person at the desk forwarded it; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<MessageId>,
}

impl MessageView {
    /// Returns the content as people read it: with names for mentioned people, whose digits WhatsApp's own text has.
    pub fn shown_content(&self) -> Cow<'_, str> {
        let mentioned = self.details.iter().flat_map(|details| &details.mentions);
        let people = mentioned.map(|mention| (mention.user.as_str(), mention.name.as_deref()));
        mentions::with_names(&self.content, &people)
    }
}

/// Author of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorView {
    /// Face in which it was written; absent for a customer's own message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Name that is shown: of a customer, an agent or an API key.
    pub name: String,
}

/// One person's emoji on a message. Each person has at most one per message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// Whether it is the desk's, from any client or phone.
    pub from_me: bool,
    /// In a group: the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<WaUserId>,
    /// Name that is shown for the person.
    pub name: String,
    /// Time of the reaction.
    pub at: Timestamp,
}

/// Reason why a message was not sent, or may not have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureView {
    /// Stable code, such as `not_on_whatsapp` or `expired`.
    pub code: String,
    /// Sentence for people: what is wrong, then what to do.
    pub detail: String,
}

/// Reason why a queued message is held back, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingView {
    /// Reason for waiting.
    pub reason: WaitReason,
    /// Time at which it may be sent.
    pub until: Timestamp,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let reactions = message.shown_reactions().cloned().map(Into::into).collect();
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
            forwarded_from: message.details.as_ref().and_then(|details| details.forwarded_from),
            details: message.details.map(Into::into),
            reactions,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            backfilled: message.backfilled,
            failure: message.failure.map(Into::into),
            send_at: message
                .waiting
                .filter(|_| message.state.is_for_later())
                .map(|waiting| waiting.until),
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
