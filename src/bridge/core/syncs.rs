//! Queue of requested comparisons with the page; the account's inbound worker takes them from it.

use tokio::sync::{mpsc, oneshot};

use crate::domain::ConversationId;
use crate::domain::history::Synced;

/// Queue of an account's requested comparisons. Cheap to clone.
#[derive(Clone)]
pub struct Syncs(mpsc::Sender<PendingSync>);

impl Syncs {
    /// Builds the queue over the worker's channel.
    pub(crate) const fn new(ask: mpsc::Sender<PendingSync>) -> Self {
        Self(ask)
    }

    /// Queues a comparison. Returns the channel of its result, or `None` if the queue is full ([`MAX_ASKED`]).
    pub(crate) fn ask(&self, scope: Scope) -> Option<oneshot::Receiver<Synced>> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(PendingSync { scope, answer }).ok()?;
        Some(answered)
    }
}

/// Queue of an account without workers: every request is refused.
impl Default for Syncs {
    fn default() -> Self {
        Self(mpsc::channel(1).0)
    }
}

/// Requested comparison.
pub(crate) struct PendingSync {
    /// The chats and messages to compare.
    pub scope: Scope,
    answer: oneshot::Sender<Synced>,
}

impl PendingSync {
    /// Sends the result. Does nothing if the caller has stopped waiting.
    pub fn answer(self, synced: Synced) {
        let _: Result<(), Synced> = self.answer.send(synced);
    }
}

/// Upper bound of the queued comparisons of one account.
pub(crate) const MAX_ASKED: usize = 16;

/// The chats and messages that a comparison covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Chats in which a message may have been missed.
    Changed,
    /// The same, and changes of stored messages: the page was loaded again, and may have processed changes of any
    /// message before we listened.
    Anew,
    /// Every chat with recent messages, because a person asked.
    Thorough,
    /// One chat only.
    One(ConversationId),
}
