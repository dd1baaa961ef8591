//! Queues a message for a customer, from a face or from a room. Message, outbox row, room work and journal event commit
//! together; the relay does the rest.

use std::borrow::Cow;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::Refusal;
use crate::bridge::core::state::mark_answered;
use crate::bridge::inbound::groups;
use crate::contract::Event;
use crate::domain::conversation::Conversation;
use crate::domain::customer::PhoneNumber;
use crate::domain::details::Details;
use crate::domain::media::{FileKind, Media};
use crate::domain::message::{Author, Direction, Kind, MAX_TEXT_CHARS, Message, MessageState, Origin};
use crate::domain::outbox::{MatrixWork, WhatsAppWork};
use crate::domain::pacing::ANSWER_WITHIN;
use crate::domain::signature::Signature;
use crate::domain::special::Special;
use crate::domain::{AgentId, MatrixEventId, MessageId, Timestamp};
use crate::store::{Inserted, NewMessage, NewWork, StoreError, Tx};

use super::{file, later};

/// How long an agent's message may wait before its room shows why (rule 20).
pub const LATE_AFTER: std::time::Duration = std::time::Duration::from_secs(30);

/// Message to queue.
#[derive(Debug)]
pub(crate) struct NewText<'a> {
    /// The conversation in which it is sent.
    pub conversation: &'a Conversation,
    /// Text or caption. Empty where `special` needs none; for a file without a caption: the line of
    /// [`file::stands_for`].
    pub content: &'a str,
    /// Content that is neither text nor file.
    pub special: Option<&'a Special>,
    /// File to send.
    pub file: Option<NewFile>,
    /// The person or program that wrote it.
    pub author: Author,
    /// Signature of the author, put under the text or caption.
    pub signature: Option<Signature>,
    /// Message that this one quotes.
    pub reply_to: Option<MessageId>,
    /// Message whose content it is.
    pub forwarded_from: Option<MessageId>,
    /// Key of the request: queuing the same key again returns the existing message.
    pub client_key: Option<String>,
    /// The room event in which it was written; `None` if it was written elsewhere and must still be shown in the room.
    pub event: Option<&'a MatrixEventId>,
    /// Number to which it goes; `None`: to the customer, whatever their number is.
    pub addressee: Option<&'a PhoneNumber>,
    /// Time at which it is to be sent; `None`: now.
    pub send_at: Option<Timestamp>,
}

/// File of a message to queue.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// The stored medium.
    pub media: Media,
    /// The kind as which it is sent.
    pub kind: FileKind,
}

/// Result of queuing a message.
#[derive(Debug)]
pub(crate) enum Queued {
    /// It is queued, or waits for its time.
    New(Message),
    /// The key was used before.
    Known {
        /// The message with this key.
        message: Message,
        /// Whether it says the same, in the same conversation.
        is_same: bool,
    },
}

impl Queued {
    /// Returns the message that has the key.
    pub fn message(self) -> Message {
        match self {
            Self::New(message) | Self::Known { message, .. } => message,
        }
    }
}

/// Refuses a text that WhatsApp would not accept: empty, too long, or with a NUL character.
pub(crate) fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::EmptyText);
    }
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        return Err(Refusal::TextTooLong { chars });
    }
    if text.contains('\0') {
        return Err(Refusal::NulInText);
    }
    Ok(())
}

/// Returns the signature that goes under a text of this agent; `None` if they have none. A template may write it itself,
/// elsewhere than at the end: then it is not put under the text again.
pub(crate) async fn signature_under(
    tx: &mut Tx,
    agent: AgentId,
    text: &str,
    is_template: bool,
) -> Result<Option<Signature>, StoreError> {
    let signature = tx.agents().signature(agent).await?;
    Ok(signature.filter(|signature| !is_template || !signature.is_within(text)))
}

/// Returns a text with a signature under it. Refused if it is longer than WhatsApp takes.
pub(crate) fn signed(signature: &Signature, text: &str) -> Result<String, Refusal> {
    let text = signature.under(text);
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        return Err(Refusal::SignedTextTooLong { chars });
    }
    Ok(text)
}

/// Puts a message into the outbox, or lets it wait for its time, once per client key.
pub(crate) async fn queue(tx: &mut Tx, policy: &Policy, new: NewText<'_>) -> Result<Queued, StoreError> {
    let now = tx.now();
    let conversation = new.conversation;
    let text = match &new.signature {
        Some(signature) => Cow::from(signature.under(new.content)),
        None => Cow::from(new.content),
    };
    let (kind, content, mut details) = match (&new.special, &new.file) {
        (Some(special), _) => (special.kind(), Cow::from(special.line()), special.details()),
        (None, Some(file)) => (file.kind.kind(), text, file::details(file.kind)),
        (None, None) => (Kind::Text, text, Details::default()),
    };
    if new.special.is_none() {
        details.mentions = groups::mentions_in(tx, conversation, &content).await?;
    }
    details.signature = new.signature;
    details.forwarded_from = new.forwarded_from;
    let (state, expires) = match new.send_at {
        Some(_) => (MessageState::Scheduled, None),
        None => (MessageState::Queued, policy.send_expires),
    };
    let inserted = tx
        .messages()
        .insert(NewMessage {
            details: details.into_option(),
            author: Some(new.author),
            client_key: new.client_key,
            reply_to: new.reply_to,
            addressee: new.addressee.cloned(),
            expires_at: expires.map(|span| now.plus(span)),
            ..NewMessage::of(conversation, Direction::Outbound, kind, &content, now, state)
        })
        .await?;
    let message = match inserted {
        Inserted::Existing(message) => {
            let file = |media: Option<&Media>| media.map(|media| media.id);
            let is_same = message.conversation_id == conversation.id
                && message.kind == kind
                && message.content == content
                && file(message.media.as_ref()) == file(new.file.as_ref().map(|file| &file.media));
            return Ok(Queued::Known { message, is_same });
        }
        Inserted::New(message) => message,
    };
    let message = match &new.file {
        Some(file) => tx.media().attach(message.id, &file.media).await?,
        None => message,
    };
    if let Some(send_at) = new.send_at {
        return later::schedule(tx, &message, send_at).await.map(Queued::New);
    }
    put_out(tx, policy, &message, new.event).await?;
    tx.emit(Event::message_queued(&message));
    if conversation.unread_count > 0 {
        mark_answered(tx, conversation).await?;
    }
    Ok(Queued::New(message))
}

/// Adds a queued message's work: the send, and what its room shows. `event` is the room event in which it was written.
pub(super) async fn put_out(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    event: Option<&MatrixEventId>,
) -> Result<(), StoreError> {
    let send = WhatsAppWork::SendMessage { message: message.id };
    let urgent = is_awaited(tx, message).await?;
    tx.outbox()
        .enqueue(NewWork::for_message(message, send).urgent(urgent))
        .await?;
    if let Some(event) = event {
        tx.rooms()
            .add_event(message.id, 0, event, message.conversation_id)
            .await?;
        let tick = MatrixWork::Tick { message: message.id };
        tx.outbox()
            .enqueue(NewWork::for_message(message, tick).free().at(tx.now().plus(LATE_AFTER)))
            .await?;
    } else if policy.matrix {
        let show = MatrixWork::ShowMessage { message: message.id };
        tx.outbox().enqueue(NewWork::for_message(message, show)).await?;
    }
    tx.conversations()
        .touch(message.conversation_id, message.id, message.timestamp)
        .await
}

/// Returns whether somebody waits for a message, so that its lane goes before others: an agent wrote it by hand, or it
/// answers a customer.
async fn is_awaited(tx: &mut Tx, message: &Message) -> Result<bool, StoreError> {
    let origin = message.author.as_ref().and_then(|author| author.origin);
    if message.reply_to.is_some() || matches!(origin, Some(Origin::Matrix | Origin::Console)) {
        return Ok(true);
    }
    let heard = tx.pace().last_heard(message.conversation_id).await?;
    Ok(heard.is_some_and(|heard| tx.now().since(heard) <= ANSWER_WITHIN))
}
