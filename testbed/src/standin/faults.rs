//! What a test makes go wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The page's way to the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// As it should be.
    #[default]
    Up,
    /// The socket is dropped, and refused until it is up again.
    Down,
    /// The socket stays open, and nothing flows either way.
    Dead,
}

/// How the answer to a send is lost, after the send was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoseAnswer {
    /// The socket dies before the answer.
    #[default]
    DropSocket,
    /// The answer alone never comes.
    Silence,
}

/// What WhatsApp keeps an account from doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// Nothing.
    #[default]
    None,
    /// From writing to who has never written to it: such a send gets error 463.
    NewChats,
    /// From everything, for a time: the page is told so, at once and whenever it comes back.
    Banned,
}

/// The faults in force.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Faults {
    /// The page's network.
    pub network: Network,
    /// How long the service takes to answer a send and to pass it on.
    pub answer_delay: Duration,
    /// How long a file takes on its way, either way.
    pub media_delay: Duration,
    /// How long a page that is up waits for each of the older parts of its history.
    pub history_delay: Duration,
    /// How many of the next answers are lost, and how.
    pub lose_answers: u32,
    /// How they are lost.
    pub lose_how: LoseAnswer,
    /// How many of the next sends are refused.
    pub refuse_sends: u32,
    /// The error that a refused send gets.
    pub refuse_code: u16,
}

impl Faults {
    /// Takes one lost answer off the count.
    pub(crate) fn take_lost_answer(&mut self) -> Option<LoseAnswer> {
        let left = self.lose_answers.checked_sub(1)?;
        self.lose_answers = left;
        Some(self.lose_how)
    }

    /// Takes one refusal off the count.
    pub(crate) fn take_refusal(&mut self) -> Option<u16> {
        let left = self.refuse_sends.checked_sub(1)?;
        self.refuse_sends = left;
        Some(self.refuse_code)
    }
}
