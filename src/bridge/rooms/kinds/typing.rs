//! Shows in rooms that a customer types. Never stored and never waited for: what the homeserver does not take now is dropped.

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::core::typing::Told;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::domain::matrix::{Matrix, MatrixState};
use crate::domain::{AccountId, ChatId};
use crate::store::StoreError;

/// How long the worker waits for a wake-up while nobody types.
const POLL: Duration = Duration::from_mins(1);

/// Worker that shows who types.
pub struct CustomerTyping {
    core: Core,
    port: Arc<dyn Matrix>,
    told: Told<(AccountId, ChatId)>,
}

impl CustomerTyping {
    /// Builds the worker; `port` is the connection to the homeserver.
    pub fn new(core: Core, port: Arc<dyn Matrix>) -> Self {
        Self {
            core,
            port,
            told: Told::default(),
        }
    }
}

impl Worker for CustomerTyping {
    fn name(&self) -> &'static str {
        "showing of who types in rooms"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.core.typing.customers.changed())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        let Some((place, is_typing)) = self.core.typing.customers.take(now, |_| true) else {
            return Ok(Progress::Idle);
        };
        let is_ready = self.port.status().borrow().state == MatrixState::Ready;
        if !is_ready || !self.told.is_news(&place, is_typing, now) {
            return Ok(Progress::Worked);
        }
        let (account, chat) = &place;
        let store = &self.core.store;
        if let Some(conversation) = store.conversations().of_chat(*account, chat).await?
            && let Some(room) = store.rooms().of_conversation(conversation.id).await?
            && let Some(room) = room.room
            && let Err(error) = self.port.typing(&room, conversation.customer_id, is_typing).await
        {
            tracing::debug!(%room, "that somebody types cannot be shown: {error}");
        }
        Ok(Progress::Worked)
    }
}
