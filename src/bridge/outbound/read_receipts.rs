//! Marks chats as read the way a person does: a random moment after a message, or when an agent has read it. What is due is
//! kept in memory only: what an outage made overdue is marked at the next reply, or the next agent's read (rule 15).

use std::sync::Arc;

use crate::bridge::core::reader::Reader;
use crate::bridge::core::{Core, Progress};
use crate::domain::whatsapp::WhatsApp;
use crate::store::StoreError;

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
                () = self.reader.changed() => {}
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
