//! Messages that disappear: at its time, what a message said is taken out of its row and out of the journal, and that is
//! told as a deletion. When it is due stands in the row, so a restart loses no timer.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, Progress};
use crate::contract::Event;
use crate::domain::AccountId;
use crate::store::StoreError;

/// Messages that disappear in one transaction.
const BATCH: u64 = 100;
/// How often is looked for what is due.
const EVERY: Duration = Duration::from_secs(5);

/// Lets one account's messages disappear.
pub struct Vanishing {
    core: Core,
    account: AccountId,
}

impl Vanishing {
    pub const fn new(core: Core, account: AccountId) -> Self {
        Self { core, account }
    }
}

impl Worker for Vanishing {
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "taking out of messages that disappear"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn poll(&self) -> Duration {
        EVERY
    }

    /// Lets disappear what is due.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let due = self
            .core
            .store
            .messages()
            .due_to_disappear(self.account, self.core.clock.now(), BATCH)
            .await?;
        if due.is_empty() {
            return Ok(Progress::Idle);
        }
        self.core
            .write(due, |tx, due| {
                async move {
                    for &id in due {
                        let gone = tx.messages().empty(id).await?;
                        tx.emit(Event::message_deleted(&gone));
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await?;
        Ok(Progress::Worked)
    }
}
