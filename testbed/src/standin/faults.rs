//! Faults that a test causes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// State of the page's network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// It works.
    #[default]
    Up,
    /// The socket is closed, and connections are refused.
    Down,
    /// The socket stays open, but nothing is transferred either way.
    Dead,
}

/// Way in which the answer to a send is lost, after the send was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoseAnswer {
    /// The socket breaks before the answer.
    #[default]
    DropSocket,
    /// Only the answer is lost.
    Silence,
}

/// Restriction that WhatsApp puts on an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// Nothing.
    #[default]
    None,
    /// It may not write to people who have never written to it: such a send gets error 463.
    NewChats,
    /// It may do nothing for a time; the page is told so, at once and on every connection.
    Banned,
}

/// The faults in force.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Faults {
    /// The page's network.
    pub network: Network,
    /// Time that the service takes to answer and deliver a send.
    pub answer_delay: Duration,
    /// Time that an upload or download takes.
    pub media_delay: Duration,
    /// Pause before each older chunk of history, while the page is up.
    pub history_delay: Duration,
    /// Number of next answers that are lost.
    pub lose_answers: u32,
    /// Way in which they are lost.
    pub lose_how: LoseAnswer,
    /// Number of next sends that are refused.
    pub refuse_sends: u32,
    /// Error code of a refused send.
    pub refuse_code: u16,
}

impl Faults {
    /// Returns whether the next answer is lost, and how; counts it down.
    pub(crate) fn take_lost_answer(&mut self) -> Option<LoseAnswer> {
        let left = self.lose_answers.checked_sub(1)?;
        self.lose_answers = left;
        Some(self.lose_how)
    }

    /// Returns the error code if the next send is refused; counts it down.
    pub(crate) fn take_refusal(&mut self) -> Option<u16> {
        let left = self.refuse_sends.checked_sub(1)?;
        self.refuse_sends = left;
        Some(self.refuse_code)
    }
}
