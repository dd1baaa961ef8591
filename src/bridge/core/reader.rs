//! The notes of which chats are to be marked as read. Kept in memory only: what an outage made overdue is marked at the
//! next reply, or the next agent's read (rule 15).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::{ConversationId, Timestamp};

use super::Core;
use super::policy::ReadMode;

/// Takes notes of what is to be marked as read; cheap to clone.
#[derive(Clone, Default)]
pub struct Reader {
    due: Arc<Mutex<BTreeMap<ConversationId, Timestamp>>>,
    changed: Arc<Notify>,
}

impl Reader {
    /// A customer wrote: in [`ReadMode::Auto`] their chat is marked after a while. A later message does not put it off.
    pub(crate) fn message_came(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read == ReadMode::Auto {
            let at = core.clock.now().plus(core.random.span(&core.policy.read_delay));
            self.note(conversation, at);
        }
    }

    /// An agent has read: the customer may know at once.
    pub(crate) fn agent_read(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read != ReadMode::Never {
            let mut due = self.lock();
            due.insert(conversation, core.clock.now());
            drop(due);
            self.changed.notify_one();
        }
    }

    /// The chat has been marked, by a reply.
    pub(crate) fn done(&self, conversation: ConversationId) {
        self.lock().remove(&conversation);
    }

    pub(crate) fn note(&self, conversation: ConversationId, at: Timestamp) {
        let mut due = self.lock();
        if due.len() < MAX_DUE {
            due.entry(conversation).or_insert(at);
        }
        drop(due);
        self.changed.notify_one();
    }

    pub(crate) fn first(&self) -> Option<(ConversationId, Timestamp)> {
        self.lock()
            .iter()
            .map(|(conversation, at)| (*conversation, *at))
            .min_by_key(|(_, at)| *at)
    }

    /// Returns once a chat was noted since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The map is whole whatever happened to another thread that held it.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ConversationId, Timestamp>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Chats that wait to be marked as read; more than this are left to the next reply.
const MAX_DUE: usize = 10_000;
