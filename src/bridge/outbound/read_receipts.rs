//! Sends read receipts as a person would: a random time after a message, or when an agent has read it. The queue is in
//! memory only: receipts lost in an outage are sent with the next reply, or when an agent reads the chat next (rule
//! 15).

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::domain::whatsapp::WhatsApp;
use crate::store::StoreError;

/// How long the worker waits for a wake-up while nothing is queued.
const POLL: Duration = Duration::from_mins(1);
/// Pause before a page that is away is tried again.
const AWAY: Duration = Duration::from_millis(200);

/// Worker that sends the due read receipts of one account.
pub struct ReadReceiptWorker {
    core: Core,
    port: Arc<dyn WhatsApp>,
    reader: ReadReceipts,
}

impl ReadReceiptWorker {
    /// Builds the worker; `reader` is the account's queue.
    pub fn new(core: Core, port: Arc<dyn WhatsApp>, reader: ReadReceipts) -> Self {
        Self { core, port, reader }
    }
}

impl Worker for ReadReceiptWorker {
    fn name(&self) -> &'static str {
        "sending of read receipts"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.reader.noted())
    }

    fn poll(&self) -> Duration {
        self.reader.first().map_or(POLL, |(_, at)| {
            // Due and not done means that the page is away: do not spin.
            at.since(self.core.clock.now()).max(AWAY)
        })
    }

    /// Marks one chat as read, if one is due and the page is ready.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let Some((conversation, at)) = self.reader.first() else {
            return Ok(Progress::Idle);
        };
        if at > self.core.clock.now() || !self.port.session().borrow().state.can_send() {
            return Ok(Progress::Idle);
        }
        let chat = self
            .core
            .store
            .conversations()
            .live(conversation)
            .await?
            .and_then(|conversation| conversation.chat_id);
        // Removed before it is marked: a message that comes meanwhile queues its own receipt, which must not be lost.
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
