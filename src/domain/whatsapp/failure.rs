//! Failures of what is asked of the page, each with what is certain about it.

/// The account cannot be reached now: no browser, no page, not linked, or offline. Counts as no attempt; the work
/// waits.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("WhatsApp cannot be reached: {0}")]
pub struct Unreachable(pub String);

/// Failure of a read of one chat or message.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// The account is in trouble. Counts as no attempt.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The page works, and refused this read or did not answer it in time. Other chats can be read.
    #[error("the page cannot read this: {0}")]
    Unreadable(String),
}

/// Failure of a send, and its certainty, so that the caller has to choose.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SendError {
    /// Certainly not sent, and not because of the message: the account is in trouble. Counts as no attempt.
    #[error("not sent: {0}")]
    Unreachable(Unreachable),
    /// Certainly not sent; trying again may help.
    #[error("not sent: {why}")]
    NotSent { why: String },
    /// Certainly not sent, and cannot be sent later.
    #[error("not sent: {detail}")]
    Refused { code: &'static str, detail: String },
    /// It may have been sent. Look up its id before anything else.
    #[error("may not have been sent: {why}")]
    Unknown { why: String },
}

/// Failure of a download of a medium.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The account is in trouble. Counts as no attempt.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// WhatsApp does not have it (any more). It was requested again from the phone, which may answer later.
    #[error("WhatsApp does not have it any more: {0}")]
    Expired(String),
    /// Trying again may help.
    #[error("{0}")]
    Failed(String),
    /// The bytes could not be written.
    #[error(transparent)]
    Sink(#[from] std::io::Error),
}
