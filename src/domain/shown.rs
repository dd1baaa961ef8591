//! Content of rooms besides texts, files and places.

use std::ops::Range;

use super::message::{Failure, MessageState};
use super::{CustomerId, MatrixEventId, MatrixUserId};

/// How far a message is that an agent wrote in a room, for clients that draw it (`com.beeper.message_send_status`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendStatus {
    /// The agent's event.
    pub of: MatrixEventId,
    /// State of the message.
    pub outcome: SendOutcome,
    /// Fault, then the way to mend it.
    pub why: Option<String>,
    /// Customer whom it was delivered to; none in a group.
    pub reader: Option<CustomerId>,
}

/// State of an agent's message, as clients know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// It waits longer than usual.
    Pending,
    /// WhatsApp has it.
    Sent,
    /// The customer's phone has it.
    Delivered,
    /// It was not sent; sending it again may help.
    Retriable(FailedBy),
    /// It was not sent and never will be, or may have been sent: nothing may send it again by itself.
    Final(FailedBy),
}

/// Kind of cause of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedBy {
    /// WhatsApp or the way to it.
    Network,
    /// It waited too long.
    Age,
    /// It must not be sent.
    Consent,
    /// It cannot be sent as it is.
    Refused,
}

/// A stretch of a text that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Where it leads.
    pub to: LinkTo,
}

/// Target of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTo {
    /// A customer who is mentioned; leads somewhere only if they have a user of their own.
    Customer(CustomerId),
    /// A user of Matrix.
    User(MatrixUserId),
    /// A phone number to be dialled: digits, with `+` before them if it has one.
    Number(String),
}

/// A poll as a room shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPoll {
    /// Question of the poll.
    pub question: String,
    /// Options in order. The id of each is its number, from 0.
    pub options: Vec<String>,
    /// How many options one person may choose; 0 means any number.
    pub selectable: u32,
    /// Line for clients without polls.
    pub line: String,
}

impl SendOutcome {
    /// Returns the outcome of a message in this state; `None` for what is under way.
    pub fn of(state: MessageState, failure: Option<&Failure>, is_late: bool) -> Option<Self> {
        match state {
            MessageState::Received | MessageState::Scheduled | MessageState::Held => None,
            MessageState::Queued | MessageState::Sending => is_late.then_some(Self::Pending),
            MessageState::Sent => Some(Self::Sent),
            MessageState::Delivered | MessageState::Read | MessageState::Played => Some(Self::Delivered),
            MessageState::Failed => Some(failed(failure.map_or("", |failure| failure.code.as_str()))),
            // Sent again it could arrive twice.
            MessageState::Unknown => Some(Self::Final(FailedBy::Network)),
        }
    }
}

fn failed(code: &str) -> SendOutcome {
    match code {
        "expired" => SendOutcome::Retriable(FailedBy::Age),
        "opted_out" => SendOutcome::Final(FailedBy::Consent),
        "not_on_whatsapp" | "number_passed" | "cancelled" | "account_removed" | "too_large" | "file_missing" => {
            SendOutcome::Final(FailedBy::Network)
        }
        _ => SendOutcome::Retriable(FailedBy::Network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_one_outcome_for_clients() {
        let failure = |code: &str| Failure {
            code: code.to_owned(),
            detail: String::new(),
        };
        for (state, code, late, expected) in [
            (MessageState::Received, "", true, None),
            (MessageState::Queued, "", false, None),
            (MessageState::Sending, "", true, Some(SendOutcome::Pending)),
            (MessageState::Sent, "", true, Some(SendOutcome::Sent)),
            (MessageState::Delivered, "", false, Some(SendOutcome::Delivered)),
            (MessageState::Played, "", false, Some(SendOutcome::Delivered)),
            (
                MessageState::Failed,
                "expired",
                false,
                Some(SendOutcome::Retriable(FailedBy::Age)),
            ),
            (
                MessageState::Failed,
                "refused_by_whatsapp",
                false,
                Some(SendOutcome::Retriable(FailedBy::Network)),
            ),
            (
                MessageState::Failed,
                "opted_out",
                false,
                Some(SendOutcome::Final(FailedBy::Consent)),
            ),
            (
                MessageState::Unknown,
                "unclear",
                false,
                Some(SendOutcome::Final(FailedBy::Network)),
            ),
        ] {
            assert_eq!(
                SendOutcome::of(state, Some(&failure(code)), late),
                expected,
                "{state} {code}"
            );
        }
    }
}
