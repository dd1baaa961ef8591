//! What a face asks to be sent, and how a repeat of the same request is recognised.

use crate::domain::customer::PhoneNumber;
use crate::domain::media::FileKind;
use crate::domain::message::{Author, Message};
use crate::domain::special::Special;
use crate::domain::{ApiKeyId, ConversationId, CustomerId, MediaId, MessageId};

use super::refusal::Refusal;

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
    /// Which account sends, where `to` leaves a choice; by name or id.
    pub account: Option<String>,
    /// Empty where `special` says it all, and where a file has no caption.
    pub content: String,
    /// What is sent that is neither text nor file.
    pub special: Option<Special>,
    pub file: Option<SendFile>,
    pub reply_to: Option<MessageId>,
    pub author: Author,
    pub idempotency: Option<Idempotency>,
}

/// A file that was handed in before, or that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFile {
    pub id: MediaId,
    /// As what it goes out; none: as what it is.
    pub kind: Option<FileKind>,
}

/// Makes a repeated request one (rule 25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub scope: ApiKeyId,
    /// At most [`MAX_IDEMPOTENCY_KEY`] bytes.
    pub key: String,
    /// SHA-256 of what was asked, so that the same key with another body is found out.
    pub body_hash: [u8; 32],
}

/// A message that is in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// As it was when it was accepted.
    pub message: Message,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

pub(crate) fn check_key(idempotency: Option<&Idempotency>) -> Result<(), Refusal> {
    match idempotency {
        Some(Idempotency { key, .. }) if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY => {
            Err(Refusal::BadIdempotencyKey)
        }
        _ => Ok(()),
    }
}

/// Longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;
