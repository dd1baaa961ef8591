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
    loop {
        if let Err(error) = once(&store, clock.as_ref(), kept).await {
            tracing::warn!("housekeeping failed; tried again in an hour: {error}");
        }
        match bridge::sweep(&store, &vault, clock.now()).await {
            Ok(0) => {}
            Ok(thrown) => tracing::info!(thrown, "deleted media that nothing references"),
            Err(error) => tracing::warn!("unreferenced media could not be deleted; tried again in an hour: {error}"),
        }
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            () = stopping.cancelled() => return Ok(()),
        }
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
