//! Requests to send a message, and the idempotency keys by which a repeated request is recognised.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::domain::customer::PhoneNumber;
use crate::domain::hex::hex;
use crate::domain::media::FileKind;
use crate::domain::message::Author;
use crate::domain::rights::Sight;
use crate::domain::special::Special;
use crate::domain::{AccountId, AgentId, ConversationId, CustomerId, MediaId, MessageId, OwnerId, Timestamp};
use crate::store::StoredAnswer;

use super::refusal::Refusal;

/// Recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendTo {
    /// The customer with this number, who is created if unknown.
    Phone(PhoneNumber),
    /// A customer, in their direct conversation.
    Customer(CustomerId),
    /// A customer, where they were active last. `within`: accounts to choose from; `None` for all.
    Latest {
        customer: CustomerId,
        within: Option<Vec<AccountId>>,
    },
    /// An existing conversation, direct or group.
    Conversation(ConversationId),
}

/// Request to send a message: a text, a file, or something special.
#[derive(Clone, Debug, PartialEq)]
pub struct SendCommand {
    /// The recipient.
    pub to: SendTo,
    /// The account that sends, by name or id; needed where `to` leaves a choice.
    pub account: Option<String>,
    /// Text, or caption of a file. Empty where `special` needs no text, and where a file has no caption.
    pub content: String,
    /// Content that is neither text nor file.
    pub special: Option<Special>,
    /// File to send.
    pub file: Option<SendFile>,
    /// Template that makes the text and the file, in place of `content`, `special` and `file`.
    pub template: Option<TemplateFill>,
    /// Message whose content is sent, in place of `content`, `special`, `file` and `template`.
    pub forward: Option<MessageId>,
    /// Message that this one quotes; it must be in the same conversation.
    pub reply_to: Option<MessageId>,
    /// Newest message that the author had seen: refused if others have written since. `None`: not checked.
    pub seen_up_to: Option<MessageId>,
    /// Time at which it is to be sent; `None`: now.
    pub send_at: Option<Timestamp>,
    /// The person or program that wrote it.
    pub author: Author,
    /// Agent who wrote it, whose signature stands under it; `None`: a program or a key of its own.
    pub agent: Option<AgentId>,
    /// Sight of the author: nothing else is written to, or sent.
    pub sight: Sight,
    /// Key by which a repeat of this request is recognised.
    pub idempotency: Option<Idempotency>,
}

impl SendCommand {
    /// Creates a request to send a text now, by an author who sees everything, with only the fields that every request has.
    pub fn of(to: SendTo, content: &str, author: Author) -> Self {
        Self {
            to,
            account: None,
            content: content.to_owned(),
            special: None,
            file: None,
            template: None,
            forward: None,
            reply_to: None,
            seen_up_to: None,
            send_at: None,
            author,
            agent: None,
            sight: Sight::default(),
            idempotency: None,
        }
    }
}

/// File to send: one that was uploaded before, or that a customer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFile {
    /// The stored file.
    pub id: MediaId,
    /// The kind as which it is sent; `None`: chosen by the file's type.
    pub kind: Option<FileKind>,
}

/// Template of a message, and what its fields are filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFill {
    /// Name of the template.
    pub name: String,
    /// Values of its fields.
    pub fields: BTreeMap<String, String>,
}

/// Idempotency key of a request: a repeat with the same key is done only once (rule 25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The owner that made the request; keys of different owners never meet.
    pub scope: OwnerId,
    /// The key as sent. At most [`MAX_IDEMPOTENCY_KEY`] characters.
    pub key: String,
    /// SHA-256 of the request, so that the same key with another body is detected.
    pub body_hash: [u8; 32],
}

impl Idempotency {
    /// Returns the key of the message that the request creates: unique over all scopes, and short enough for every
    /// database whatever the length of the key as sent.
    pub fn client_key(&self) -> String {
        let plain = format!("{}:{}", self.scope, self.key);
        if plain.chars().count() <= MAX_IDEMPOTENCY_KEY {
            return plain;
        }
        format!("{}:sha256:{}", self.scope, hex(&Sha256::digest(&self.key)))
    }
}

/// The answer to a request that may carry an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered<T> {
    /// Result of this request.
    New(T),
    /// Stored answer of an earlier request with the same key.
    Replayed(StoredAnswer),
}

/// Refuses an idempotency key that is empty, longer than [`MAX_IDEMPOTENCY_KEY`] characters or not printable ASCII. So a key
/// is one in a header if it is one in a command.
pub(crate) fn check_key(idempotency: Option<&Idempotency>) -> Result<(), Refusal> {
    let Some(Idempotency { key, .. }) = idempotency else {
        return Ok(());
    };
    let is_printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || !is_printable {
        return Err(Refusal::BadIdempotencyKey);
    }
    Ok(())
}

/// Upper bound of an idempotency key, in characters.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;
