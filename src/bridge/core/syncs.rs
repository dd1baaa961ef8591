//! The queue of comparisons that somebody asked for; the account's inbound worker takes them from it.

use tokio::sync::{mpsc, oneshot};

use crate::domain::ConversationId;
use crate::domain::history::Synced;

/// Where an account's comparisons are asked for. Cheap to clone.
#[derive(Clone)]
pub struct Syncs(mpsc::Sender<Asked>);

impl Syncs {
    pub(crate) const fn new(ask: mpsc::Sender<Asked>) -> Self {
        Self(ask)
    }

    /// Queues a comparison and returns where its outcome arrives; `None` while as many wait as may.
    pub(crate) fn ask(&self, scope: Scope) -> Option<oneshot::Receiver<Synced>> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Asked { scope, answer }).ok()?;
        Some(answered)
    }
}

/// Of an account that nobody compares.
impl Default for Syncs {
    fn default() -> Self {
        Self(mpsc::channel(1).0)
    }
}

/// A comparison that was asked for.
pub(crate) struct Asked {
    pub scope: Scope,
    answer: oneshot::Sender<Synced>,
}

impl Asked {
    /// Whoever asked may be gone by now.
    pub fn answer(self, synced: Synced) {
        let _: Result<(), Synced> = self.answer.send(synced);
    }
}

/// Comparisons of one account that may wait.
pub(crate) const MAX_ASKED: usize = 16;

/// What is to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What may have changed.
    Changed,
    /// The same, in a page that was loaded anew: what it took in before anybody listened may be about any message.
    Anew,
    /// Every chat with messages of late: somebody wants to know.
    Thorough,
    /// One chat alone.
    One(ConversationId),
}
