//! What has to be forgotten now and then: old events and old answers.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::Clock;
use crate::store::{Store, StoreError};

const EVERY: Duration = Duration::from_hours(1);

/// How long an answer is kept for a repeated request.
const ANSWERS_KEPT: Duration = Duration::from_hours(48);

/// Works until `stopping`. `journal_keep` zero: events are kept for ever.
pub async fn run(
    store: Store,
    clock: Arc<dyn Clock>,
    journal_keep: Duration,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        if let Err(error) = once(&store, clock.as_ref(), journal_keep).await {
            tracing::warn!("housekeeping failed, and is tried again in an hour: {error}");
        }
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            () = stopping.cancelled() => return Ok(()),
        }
    }
}

async fn once(store: &Store, clock: &dyn Clock, journal_keep: Duration) -> Result<(), StoreError> {
    let now = clock.now();
    if !journal_keep.is_zero() {
        store.prune_journal(now.minus(journal_keep)).await?;
    }
    store.prune_answers(now.minus(ANSWERS_KEPT)).await?;
    Ok(())
}
