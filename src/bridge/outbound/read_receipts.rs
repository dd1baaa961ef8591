//! Marks chats as read the way a person does: a random moment after a message, or when an agent has read it. What is due is
//! kept in memory only: what an outage made overdue is marked at the next reply, or the next agent's read (rule 15).

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::core::reader::Reader;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::domain::whatsapp::WhatsApp;
use crate::store::StoreError;

/// How often is looked whether something is due when nothing was noted.
const POLL: Duration = Duration::from_mins(1);
/// How often a page that is away is tried.
const AWAY: Duration = Duration::from_millis(200);

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
}

impl Worker for Reading {
    fn name(&self) -> &'static str {
        "marking of chats as read"
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

    /// Marks one chat, if one is due and the page is there.
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
