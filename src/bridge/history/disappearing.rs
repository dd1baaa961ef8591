//! Messages that disappear: at its time, what a message said is taken out of its row and out of the journal, and that is
//! told as a deletion. When it is due stands in the row, so a restart loses no timer.

use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

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

    /// Works until `stopping`, or until another process drives the account.
    pub async fn run(self, stopping: CancellationToken) -> anyhow::Result<()> {
        while !stopping.is_cancelled() {
            match self.step().await {
                Ok(Progress::Worked) => continue,
                Ok(Progress::Idle) => {}
                Err(error @ StoreError::LeaseLost(_)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(account = %self.account, "messages that are to disappear are still there: {error}");
                }
            }
            tokio::select! {
                () = self.core.clock.sleep(EVERY) => {}
                () = stopping.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Lets disappear what is due.
    pub async fn step(&self) -> Result<Progress, StoreError> {
        let due = self
            .core
            .store
            .vanishing(self.account, self.core.clock.now(), BATCH)
            .await?;
        if due.is_empty() {
            return Ok(Progress::Idle);
        }
        self.core
            .write(move |tx| {
                let due = due.clone();
                async move {
                    for id in due {
                        let gone = tx.empty_message(id).await?;
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
