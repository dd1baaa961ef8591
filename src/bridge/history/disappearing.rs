//! Disappearing messages: when the timer of a message ends, its content is removed from its row and from the journal,
//! a deletion is emitted, and its room loses it too. The due time is in the row, so a restart loses no timer.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, Progress, notice};
use crate::contract::Event;
use crate::domain::AccountId;
use crate::store::StoreError;

/// Upper bound of the messages emptied in one step.
const BATCH: u64 = 100;
/// How often the worker looks for due messages.
const EVERY: Duration = Duration::from_secs(5);

/// Worker that empties the due disappearing messages of one account.
pub struct DisappearingWorker {
    core: Core,
    account: AccountId,
}

impl DisappearingWorker {
    /// Builds the worker of `account`.
    pub const fn new(core: Core, account: AccountId) -> Self {
        Self { core, account }
    }
}

impl Worker for DisappearingWorker {
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "removal of disappearing messages"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn poll(&self) -> Duration {
        EVERY
    }

    /// Empties up to `BATCH` due messages, each in its own transaction, so that other writes come in between.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let due = self
            .core
            .store
            .messages()
            .due_to_disappear(self.account, self.core.clock.now(), BATCH)
            .await?;
        if due.is_empty() || self.core.store.clock_doubted_until().await?.is_some() {
            return Ok(Progress::Idle);
        }
        for id in due {
            self.core
                .write_with(id, |tx, core, id| {
                    async move {
                        let gone = tx.messages().empty(*id).await?;
                        tx.emit(Event::message_deleted(&gone));
                        // The room loses it by a row of the outbox, so a crash or an outage only delays that.
                        notice::show_end(tx, &core.policy, &gone).await?;
                        tx.cards().ask(gone.account_id, gone.conversation_id).await?;
                        Ok::<_, StoreError>(())
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(Progress::Worked)
    }
}
