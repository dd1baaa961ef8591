//! The desk: what the faces (API, and through it shell and console) may ask for. Each request is one transaction and an
//! answer; nothing external happens in it.

use crate::domain::customer::PhoneNumber;
use crate::domain::message::{Author, Message};
use crate::domain::{AccountId, ApiKeyId, ConversationId, CustomerId, MessageId};

/// To whom a message is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendTo {
    Phone(PhoneNumber),
    Customer(CustomerId),
    Conversation(ConversationId),
}

/// A text to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SendCommand {
    pub to: SendTo,
    /// Which account sends, where `to` leaves a choice; by name.
    pub account: Option<String>,
    pub content: String,
    pub reply_to: Option<MessageId>,
    pub author: Author,
    pub idempotency: Option<Idempotency>,
}

/// Makes a repeated request one (`RULES` 25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub scope: ApiKeyId,
    /// At most [`MAX_IDEMPOTENCY_KEY`] bytes.
    pub key: String,
    /// SHA-256 of what was asked, so that the same key with another body is found out.
    pub body_hash: [u8; 32],
}

/// Longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// A message that is in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    pub message: Message,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

/// Why the desk does not do what was asked. Maps one to one to the API's problems.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the text is empty; write something")]
    EmptyText,
    #[error("the text has {chars} characters and WhatsApp takes {limit} at the most; send it in parts", limit = crate::domain::message::MAX_TEXT_CHARS)]
    TextTooLong { chars: usize },
    #[error("the text has a NUL character, which nobody can read; take it out")]
    NulInText,
    #[error("the idempotency key is empty or longer than {MAX_IDEMPOTENCY_KEY} bytes; use a UUID")]
    BadIdempotencyKey,
    #[error("this idempotency key was used for another request; use a new one")]
    IdempotencyMismatch,
    #[error("there is no {what} {which}")]
    NotFound { what: &'static str, which: String },
    #[error("several accounts can send this; name one of them: {}", names.join(", "))]
    AmbiguousAccount { names: Vec<String> },
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// What a person decided about a message whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It did reach the customer (seen on the phone).
    Sent,
    /// It did not.
    Failed,
}

/// The handle that faces hold. Cheap to clone.
#[derive(Clone)]
pub struct Desk;

/// The account whose session is asked for, by id or name.
#[derive(Clone, Debug)]
pub enum AccountRef {
    Id(AccountId),
    Name(String),
}
