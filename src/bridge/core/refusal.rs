//! Refusals of requests to the desk. They map one to one to the API's problems.

use crate::domain::forward::NotForwarded;
use crate::domain::media::readable_size;
use crate::domain::message::{Direction, Message};
use crate::domain::note::MAX_NOTE_CHARS;
use crate::domain::template::TemplateFault;
use crate::domain::{CustomerId, MessageId, Timestamp};
use crate::store::StoreError;
use crate::vault::NoThumbnail;

use super::command::MAX_IDEMPOTENCY_KEY;

/// Reason why the desk refuses a request; its text is shown to people. Maps one to one to the API's problems.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The text has no visible characters.
    #[error("the text is empty; write something")]
    EmptyText,
    /// The text is longer than WhatsApp takes.
    #[error("the text has {chars} characters and WhatsApp accepts at most {limit}; send it in parts", limit = crate::domain::message::MAX_TEXT_CHARS)]
    TextTooLong { chars: usize },
    /// The text is longer than WhatsApp takes, because of the signature under it.
    #[error(
        "with your signature the text has {chars} characters and WhatsApp accepts at most {limit}; shorten it, or send it in \
         parts",
        limit = crate::domain::message::MAX_TEXT_CHARS
    )]
    SignedTextTooLong { chars: usize },
    /// The text contains a NUL character.
    #[error("the text contains a NUL character; remove it")]
    NulInText,
    /// The note is longer than [`MAX_NOTE_CHARS`].
    #[error("the note has {chars} characters and may have {MAX_NOTE_CHARS}; write it in parts")]
    NoteTooLong { chars: usize },
    /// A time for later cannot be used.
    #[error("{why}")]
    WrongTime { pointer: &'static str, why: String },
    /// The message that the author had seen is not in the conversation.
    #[error("there is no message {seen} in this conversation; name the newest message that you have seen there")]
    NotSeenThere { seen: MessageId },
    /// Others have written since the author looked: the newest first.
    #[error(
        "{} since you looked at the conversation; read it, then send with `force` if it still fits",
        writers(missed)
    )]
    Overtaken { missed: Vec<Message> },
    /// The name has no visible characters.
    #[error("the name has no visible characters; write one, or send null to remove it")]
    EmptyName,
    /// A field of the request has a value that does not fit what is stored.
    #[error("{detail}")]
    WrongField { pointer: String, detail: String },
    /// An earlier request with the same idempotency key made this, and its answer is not repeated, because it held a secret.
    #[error(
        "this idempotency key made {what} {id} before, and its secret was shown only then; if it is lost, revoke that {what} \
         and make another under a new idempotency key"
    )]
    MadeBefore { what: &'static str, id: i64 },
    /// A template, or what it is filled with, is wrong.
    #[error(transparent)]
    Template(#[from] TemplateFault),
    /// The message cannot be forwarded.
    #[error(transparent)]
    NotForwarded(#[from] NotForwarded),
    /// The customer has changed since the revision that the request names.
    #[error("{0}")]
    Changed(String),
    /// The uploaded file has no bytes.
    #[error("the file is empty; choose another")]
    EmptyFile,
    /// Less space is free than the floor.
    #[error("there is too little space for media: less than {} are free (CRM_MEDIA_FREE_SPACE_FLOOR); free some space on the server, then send it again", readable_size(*floor))]
    NoSpace { floor: u64 },
    /// The volume is full.
    #[error("no space is left for media; free some space on the server, then send it again")]
    Full,
    /// The file is larger than `max` bytes.
    #[error("the file is larger than the limit of {} (CRM_MEDIA_MAX_SIZE); send a smaller one", readable_size(*max))]
    FileTooLarge { max: u64 },
    /// The file cannot be sent as the kind that was asked for.
    #[error("{0}")]
    WrongFileKind(String),
    /// The bytes of an avatar are no picture that browsers show.
    #[error("this is not a JPEG, PNG or WebP picture; give one")]
    NotAPicture,
    /// The medium has no thumbnail.
    #[error("this has no thumbnail: {0}")]
    NoThumbnail(NoThumbnail),
    /// The reaction is not an emoji.
    #[error("this is not an emoji; give one, or leave it empty to remove your reaction")]
    BadEmoji,
    /// The idempotency key is empty, longer than [`MAX_IDEMPOTENCY_KEY`] characters, or not printable ASCII.
    #[error(
        "an idempotency key has 1 to {MAX_IDEMPOTENCY_KEY} characters of printable ASCII, and this one has not; use a UUID"
    )]
    BadIdempotencyKey,
    /// The same idempotency key came with another body before (rule 25).
    #[error("this idempotency key was used for another request; use a new one")]
    IdempotencyMismatch,
    /// `what` is the kind of object, `which` its id or name.
    #[error("there is no {what} {which}")]
    NotFound { what: &'static str, which: String },
    /// The request names no account, and several could send.
    #[error("several accounts can send this; name one of them: {}", names.join(", "))]
    AmbiguousAccount { names: Vec<String> },
    /// The customer does not want to receive messages.
    #[error(
        "customer {customer} opted out ({since}) and gets no messages; they can opt in again by a message, or you run \
         `crm customer opt-in {customer}`"
    )]
    OptedOut { customer: CustomerId, since: Timestamp },
    /// The thing that is asked for was there, and is deleted.
    #[error("{0}")]
    Gone(String),
    /// The state of the object does not allow the request.
    #[error("{0}")]
    Conflict(String),
    /// The server cannot do it now; a repeat may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The database did not do it. Its own words name tables, constraints and addresses, so they are logged and not shown.
    #[error("the database did not do it; try again, or see the server's log")]
    Database(#[source] StoreError),
    /// A fault of the program or its storage; logged, and not shown to clients.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing { what } => Self::NotFound {
                what,
                which: String::new(),
            },
            StoreError::Conflict(_) => Self::Conflict("it is there already".to_owned()),
            StoreError::BackupRunning => Self::Conflict(error.to_string()),
            other => Self::Database(other),
        }
    }
}

/// Returns the refusal that there is no `what` (kind of object) with this id or name.
pub(crate) fn not_found(what: &'static str, which: impl std::fmt::Display) -> Refusal {
    Refusal::NotFound {
        what,
        which: which.to_string(),
    }
}

/// Says who has written these messages.
fn writers(missed: &[Message]) -> &'static str {
    let is_by_customer = |message: &&Message| message.direction == Direction::Inbound;
    match missed.iter().filter(is_by_customer).count() {
        0 => "a colleague has written",
        some if some == missed.len() => "the customer has written",
        _ => "the customer and a colleague have written",
    }
}
