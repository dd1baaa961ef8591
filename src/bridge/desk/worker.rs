//! Does what comes due at the desk by itself: snoozes end, and conversations of former agents go back to nobody.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, Progress};
use crate::domain::conversation::ConversationStatus;
use crate::domain::{ConversationId, Timestamp};
use crate::store::{Standing, StoreError, Tx};

use super::work;

/// How often it looks.
const POLL: Duration = Duration::from_secs(2);
/// Most conversations of each kind that are changed in one step.
const AT_ONCE: u64 = 100;

/// Worker that opens snoozed conversations when their time has come, and takes conversations from agents who are not active
/// any more. Several processes may run one on the same database.
pub struct DeskWorker {
    core: Core,
}

impl DeskWorker {
    /// Builds the worker.
    pub const fn new(core: Core) -> Self {
        Self { core }
    }
}

impl Worker for DeskWorker {
    fn name(&self) -> &'static str {
        "worker of the desk"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn poll(&self) -> Duration {
        POLL
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let (store, now) = (&self.core.store, self.core.clock.now());
        let orphans = store.conversations().of_former_agents(AT_ONCE).await?;
        for id in &orphans {
            self.core
                .write_with(*id, |tx, core, id| {
                    async move { take_from_former(tx, core, *id).await }.boxed()
                })
                .await?;
        }
        let due = store.conversations().due_to_open(now, AT_ONCE).await?;
        // By a clock that is doubted nothing has come to its time.
        if due.is_empty() || store.clock_doubted_until().await?.is_some() {
            return Ok(if orphans.is_empty() {
                Progress::Idle
            } else {
                Progress::Worked
            });
        }
        for id in due {
            let input = (id, now);
            self.core
                .write_with(input, |tx, core, (id, now)| {
                    async move { open_if_due(tx, core, *id, *now).await }.boxed()
                })
                .await?;
        }
        Ok(Progress::Worked)
    }
}

async fn open_if_due(tx: &mut Tx, core: &Core, id: ConversationId, now: Timestamp) -> Result<(), StoreError> {
    let Some(conversation) = tx.conversations().lock(id).await? else {
        return Ok(());
    };
    if conversation.snoozed_until.is_none_or(|until| until > now) {
        return Ok(());
    }
    let status = match conversation.status {
        ConversationStatus::Snoozed => ConversationStatus::Open,
        other => other,
    };
    let standing = Standing { status, until: None };
    work::put(tx, core, id, standing).await.map(|_| ())
}

/// Takes a conversation from an agent who is not active any more.
async fn take_from_former(tx: &mut Tx, core: &Core, id: ConversationId) -> Result<(), StoreError> {
    let Some(conversation) = tx.conversations().lock(id).await? else {
        return Ok(());
    };
    let Some(assignee) = conversation.assignee else {
        return Ok(());
    };
    let agents = tx.agents().list().await?;
    if agents.iter().any(|agent| agent.id == assignee.id && agent.is_active()) {
        return Ok(());
    }
    work::give(tx, core, id, None).await.map(|_| ())
}
