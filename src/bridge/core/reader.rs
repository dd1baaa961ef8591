//! Queue of the chats that are to be marked as read. It is in memory only: read receipts lost in an outage are sent
//! with the next reply, or when an agent reads the chat next (rule 15).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::{ConversationId, Timestamp};

use super::Core;
use super::policy::ReadMode;

/// Queue of the read receipts of one account, with their times; cheap to clone, and clones share one queue.
#[derive(Clone, Default)]
pub struct ReadReceipts {
    due: Arc<Mutex<BTreeMap<ConversationId, Timestamp>>>,
    changed: Arc<Notify>,
}

impl ReadReceipts {
    /// Queues a read receipt for a customer's new message, after the policy's delay. Only in [`ReadMode::Auto`]. A
    /// later message does not postpone it.
    pub(crate) fn message_came(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read == ReadMode::Auto {
            let at = core.clock.now().plus(core.random.span(&core.policy.read_delay));
            self.note(conversation, at);
        }
    }

    /// Queues a read receipt that is due at once, because an agent has read the chat. Not in [`ReadMode::Never`], nor a
    /// further chat if the queue holds [`MAX_DUE`].
    pub(crate) fn agent_read(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read != ReadMode::Never {
            let mut due = self.lock();
            if due.len() < MAX_DUE || due.contains_key(&conversation) {
                due.insert(conversation, core.clock.now());
            }
            drop(due);
            self.changed.notify_one();
        }
    }

    /// Removes a chat from the queue, because it is marked as read.
    pub(crate) fn done(&self, conversation: ConversationId) {
        self.lock().remove(&conversation);
    }

    /// Queues a read receipt for `at`, unless one is queued for this chat or the queue holds [`MAX_DUE`].
    pub(crate) fn note(&self, conversation: ConversationId, at: Timestamp) {
        let mut due = self.lock();
        if due.len() < MAX_DUE {
            due.entry(conversation).or_insert(at);
        }
        drop(due);
        self.changed.notify_one();
    }

    /// Returns the chat that is due first, and when.
    pub(crate) fn first(&self) -> Option<(ConversationId, Timestamp)> {
        self.lock()
            .iter()
            .map(|(conversation, at)| (*conversation, *at))
            .min_by_key(|(_, at)| *at)
    }

    /// Returns the notification of a new entry.
    pub(crate) fn noted(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Locks the map, also after a panic of another thread: no change of it can stop half-way.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ConversationId, Timestamp>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Upper bound of the chats in the queue; further ones are marked with the next reply.
const MAX_DUE: usize = 10_000;
