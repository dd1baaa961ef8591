//! Shows customers that an agent types in their room. Never stored and never waited for: what the page does not take now is
//! dropped.

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::core::typing::Told;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{AccountId, ChatId, ConversationId};
use crate::store::StoreError;

/// How long the worker waits for a wake-up while nobody types.
const POLL: Duration = Duration::from_mins(1);

/// Worker that shows the customers of one account that an agent types.
pub struct AgentTyping {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    told: Told<(AccountId, ConversationId)>,
}

impl AgentTyping {
    /// Builds the worker of `account`.
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self {
            core,
            account,
            port,
            told: Told::default(),
        }
    }

    /// Returns the chat of a conversation, unless its customer wants to hear nothing from us (rule 8).
    async fn chat(&self, id: ConversationId) -> Result<Option<ChatId>, StoreError> {
        let Some(conversation) = self.core.store.conversations().live(id).await? else {
            return Ok(None);
        };
        if let Some(customer) = conversation.customer_id {
            let customer = self.core.store.customers().get(customer).await?;
            if customer.is_none_or(|customer| customer.opted_out_at.is_some()) {
                return Ok(None);
            }
        }
        Ok(conversation.chat_id)
    }
}

impl Worker for AgentTyping {
    fn name(&self) -> &'static str {
        "showing of agents who type"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.core.typing.agents.changed())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let (now, account) = (self.core.clock.now(), self.account);
        let mine = |place: &(AccountId, ConversationId)| place.0 == account;
        let Some((place, is_typing)) = self.core.typing.agents.take(now, mine) else {
            return Ok(Progress::Idle);
        };
        let can_send = self.port.session().borrow().state.can_send();
        if can_send
            && self.told.is_news(&place, is_typing, now)
            && let Some(chat) = self.chat(place.1).await?
            && let Err(error) = self.port.typing(&chat, is_typing).await
        {
            tracing::debug!(conversation = %place.1, "that an agent types cannot be shown: {error}");
        }
        Ok(Progress::Worked)
    }
}
