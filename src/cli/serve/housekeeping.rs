//! Hourly cleanup: deletes old events, old entries of the audit log, old stored answers and media that nothing references.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bridge;
use crate::domain::Clock;
use crate::store::{Store, StoreError};
use crate::vault::Vault;

/// Interval between two runs.
const EVERY: Duration = Duration::from_hours(1);

/// Number of runs after which the database's statistics are refreshed: once a day.
const RUNS_BETWEEN_STATISTICS: u32 = 24;

/// Age at which a stored answer to an idempotency key is deleted (rule 25).
const ANSWERS_KEPT: Duration = Duration::from_hours(48);

/// How long rows are kept; zero keeps them all.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Events.
    pub journal: Duration,
    /// Entries of the audit log.
    pub audit: Duration,
}

/// Works until `stopping`.
pub async fn run(
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    kept: Kept,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    for run in 1_u32.. {
        if run.is_multiple_of(RUNS_BETWEEN_STATISTICS)
            && let Err(error) = store.refresh_statistics().await
        {
            tracing::warn!("the database's statistics could not be refreshed; tried again tomorrow: {error}");
        }
        match store.note_clock().await {
            Ok(None) => clean(&store, &vault, clock.as_ref(), kept).await,
            Ok(Some(until)) => tracing::warn!(
                "the clock is far ahead of when this server last ran; check it: until {until} nothing is deleted or \
                 expires"
            ),
            Err(error) => tracing::warn!("housekeeping failed; tried again in an hour: {error}"),
        }
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            () = stopping.cancelled() => return Ok(()),
        }
    }
    Ok(())
}

/// Deletes what is old or unused.
async fn clean(store: &Store, vault: &Vault, clock: &dyn Clock, kept: Kept) {
    if let Err(error) = once(store, clock, kept).await {
        tracing::warn!("housekeeping failed; tried again in an hour: {error}");
    }
    match bridge::sweep(store, vault, clock.now()).await {
        Ok(0) => {}
        Ok(thrown) => tracing::info!(thrown, "deleted media that nothing references"),
        Err(error) => tracing::warn!("unreferenced media could not be deleted; tried again in an hour: {error}"),
    }
}

async fn once(store: &Store, clock: &dyn Clock, kept: Kept) -> Result<(), StoreError> {
    let now = clock.now();
    if !kept.journal.is_zero() {
        store.journal().prune(now.minus(kept.journal)).await?;
    }
    if !kept.audit.is_zero() {
        store.audit().prune(now.minus(kept.audit)).await?;
    }
    store.answers().prune(now.minus(ANSWERS_KEPT)).await?;
    Ok(())
}
