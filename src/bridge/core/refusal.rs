//! Why the desk does not do what was asked. Maps one to one to the API's problems.

use crate::domain::media::readable_size;
use crate::domain::{CustomerId, Timestamp};
use crate::store::StoreError;
use crate::vault::NoThumbnail;

use super::command::MAX_IDEMPOTENCY_KEY;

/// Why the desk does not do what was asked. Maps one to one to the API's problems.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the text is empty; write something")]
    EmptyText,
    #[error("the text has {chars} characters and WhatsApp takes {limit} at the most; send it in parts", limit = crate::domain::message::MAX_TEXT_CHARS)]
    TextTooLong { chars: usize },
    #[error("the text has a NUL character, which nobody can read; take it out")]
    NulInText,
    #[error("the name shows nothing; write one, or take it back with null")]
    EmptyName,
    #[error("{0}")]
    Changed(String),
    #[error("the file is empty; choose another")]
    EmptyFile,
    #[error("the file is larger than {}, the most that is taken (CRM_MEDIA_MAX_SIZE); send a smaller one", readable_size(*max))]
    FileTooLarge { max: u64 },
    #[error("{0}")]
    WrongFileKind(String),
    #[error("there is no small picture of this: {0}")]
    NoThumbnail(NoThumbnail),
    #[error("this is no emoji; give one, or none to take yours away")]
    BadEmoji,
    #[error("the idempotency key is empty or longer than {MAX_IDEMPOTENCY_KEY} bytes; use a UUID")]
    BadIdempotencyKey,
    #[error("this idempotency key was used for another request; use a new one")]
    IdempotencyMismatch,
    #[error("there is no {what} {which}")]
    NotFound { what: &'static str, which: String },
    #[error("several accounts can send this; name one of them: {}", names.join(", "))]
    AmbiguousAccount { names: Vec<String> },
    #[error(
        "customer {customer} has opted out ({since}) and is not written to; they may take it back themselves, or somebody \
         does with `crm customer opt-in {customer}`"
    )]
    OptedOut { customer: CustomerId, since: Timestamp },
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(_)
            | StoreError::ReadOnly(_)
            | StoreError::Full(_)
            | StoreError::Busy(_)
            | StoreError::Closed => Self::Unavailable(error.to_string()),
            StoreError::Missing { what } => Self::NotFound {
                what,
                which: String::new(),
            },
            StoreError::Conflict(_) => Self::Conflict(error.to_string()),
            other => Self::Internal(anyhow::Error::new(other)),
        }
    }
}

pub(crate) fn not_found(what: &'static str, which: impl std::fmt::Display) -> Refusal {
    Refusal::NotFound {
        what,
        which: which.to_string(),
    }
}
