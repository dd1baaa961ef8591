//! How far a send is, for a person who interrupts it: what becomes of the message.

use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::terminal::output::note;
use crate::contract::MessageView;
use crate::domain::MessageId;
use crate::domain::message::MessageState;

/// How far a send is. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Stage>>);

#[derive(Clone, Debug, Default)]
enum Stage {
    /// The server has been given nothing.
    #[default]
    Preparing,
    /// The server is given it under this idempotency key, and has not answered.
    HandingOver(String),
    /// The server has it, in this state.
    Accepted(MessageId, MessageState),
}

impl Progress {
    /// Notes that the server is given the message now.
    pub fn handing_over(&self, key: &str) {
        self.set(Stage::HandingOver(key.to_owned()));
    }

    /// Notes the state of the accepted message.
    pub fn accepted(&self, message: &MessageView) {
        self.set(Stage::Accepted(message.id, message.state));
    }

    fn set(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// Tells the person who has interrupted the send what becomes of it.
    pub fn tell(&self) {
        let stage = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(text) = told(stage) {
            note(&text);
        }
    }
}

fn told(reached: Stage) -> Option<String> {
    Some(match reached {
        Stage::Preparing => return None,
        Stage::HandingOver(key) => format!(
            "The server may have taken it; repeat it with --idempotency-key {key}, so that it is not sent twice."
        ),
        Stage::Accepted(id, MessageState::Held) => {
            format!("message {id} is held; `crm message release {id}` sends it, `crm message cancel {id}` drops it")
        }
        Stage::Accepted(id, state) if state == MessageState::Queued || state.is_for_later() => {
            format!("message {id} is {state} and goes on by itself; `crm message cancel {id}` takes it back")
        }
        Stage::Accepted(id, state) => {
            format!("message {id} is {state} and goes on by itself; `crm message view {id}` shows how far it is")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_not_gone_out_is_taken_back() {
        let told = |state| told(Stage::Accepted(MessageId(7), state)).unwrap();
        for state in [MessageState::Queued, MessageState::Scheduled, MessageState::Held] {
            assert!(told(state).contains("crm message cancel 7"), "{state}");
        }
        for state in [MessageState::Sending, MessageState::Sent, MessageState::Delivered] {
            assert!(told(state).contains("crm message view 7"), "{state}");
        }
    }
}
