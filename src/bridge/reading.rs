//! Marks chats as read the way a person does: a random moment after a message, or when an agent has read it. What is due is
//! kept in memory only: what an outage made overdue is marked at the next reply, or the next agent's read (`RULES` 15).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::whatsapp::WhatsApp;
use crate::domain::{ConversationId, Timestamp};
use crate::store::StoreError;

use super::core::{Core, Progress, ReadMode};

/// Chats that wait to be marked as read; more than this are left to the next reply.
const MAX_DUE: usize = 10_000;

/// Takes notes of what is to be marked as read; cheap to clone.
#[derive(Clone, Default)]
pub struct Reader {
    due: Arc<Mutex<BTreeMap<ConversationId, Timestamp>>>,
    changed: Arc<Notify>,
}

impl Reader {
    /// A customer wrote: in [`ReadMode::Auto`] their chat is marked after a while. A later message does not put it off.
    pub(super) fn message_came(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read == ReadMode::Auto {
            let at = core.clock.now().plus(core.random.span(&core.policy.read_delay));
            self.note(conversation, at);
        }
    }

    /// An agent has read: the customer may know at once.
    pub(super) fn agent_read(&self, core: &Core, conversation: ConversationId) {
        if core.policy.read != ReadMode::Never {
            let mut due = self.lock();
            due.insert(conversation, core.clock.now());
            drop(due);
            self.changed.notify_one();
        }
    }

    /// The chat has been marked, by a reply.
    pub(super) fn done(&self, conversation: ConversationId) {
        self.lock().remove(&conversation);
    }

    fn note(&self, conversation: ConversationId, at: Timestamp) {
        let mut due = self.lock();
        if due.len() < MAX_DUE {
            due.entry(conversation).or_insert(at);
        }
        drop(due);
        self.changed.notify_one();
    }

    fn first(&self) -> Option<(ConversationId, Timestamp)> {
        self.lock()
            .iter()
            .map(|(conversation, at)| (*conversation, *at))
            .min_by_key(|(_, at)| *at)
    }

    /// The map is whole whatever happened to another thread that held it.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ConversationId, Timestamp>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks what is due, through one account's page.
pub struct Reading {
    core: Core,
    port: Arc<dyn WhatsApp>,
    reader: Reader,
}

impl Reading {
    pub fn new(core: Core, port: Arc<dyn WhatsApp>, reader: Reader) -> Self {
        Self { core, port, reader }
    }

    /// Works until `stopping`.
    pub async fn run(self, stopping: tokio_util::sync::CancellationToken) {
        loop {
            let worked = tokio::select! {
                worked = self.step() => worked,
                () = stopping.cancelled() => return,
            };
            if let Err(error) = &worked {
                tracing::warn!("marking a chat as read failed: {error}");
            }
            if matches!(worked, Ok(Progress::Worked)) {
                continue;
            }
            let wait = self
                .reader
                .first()
                .map_or(std::time::Duration::from_mins(1), |(_, at)| {
                    // Due and not done means that the page is away: do not spin.
                    at.since(self.core.clock.now())
                        .max(std::time::Duration::from_millis(200))
                });
            tokio::select! {
                () = self.core.clock.sleep(wait) => {}
                () = self.reader.changed.notified() => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Marks one chat, if one is due and the page is there.
    pub async fn step(&self) -> Result<Progress, StoreError> {
        let Some((conversation, at)) = self.reader.first() else {
            return Ok(Progress::Idle);
        };
        if at > self.core.clock.now() || !self.port.session().borrow().state.can_send() {
            return Ok(Progress::Idle);
        }
        let chat = self
            .core
            .store
            .live_conversation(conversation)
            .await?
            .and_then(|conversation| conversation.chat_id);
        // Forgotten before it is done: a message that comes meanwhile makes a note of its own.
        self.reader.done(conversation);
        if let Some(chat) = chat
            && self.port.mark_read(&chat).await.is_err()
        {
            self.reader.note(conversation, at);
            return Ok(Progress::Idle);
        }
        Ok(Progress::Worked)
    }
}
