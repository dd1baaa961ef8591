//! Work at an interval: watches the clock and the room for media, deletes what is old or unused, refreshes the database's statistics.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bridge::{self, Core, Kept};

/// Interval at which the clock and the room for media are checked.
const EVERY: Duration = Duration::from_mins(1);
/// Number of checks after which old data is deleted: once an hour.
const RUNS_BETWEEN_CLEANUPS: u32 = 60;
/// Number of checks after which the database's statistics are refreshed: once a day.
const RUNS_BETWEEN_STATISTICS: u32 = 24 * RUNS_BETWEEN_CLEANUPS;

/// Works until `stopping`.
pub async fn run(core: Core, kept: Kept, stopping: CancellationToken) -> anyhow::Result<()> {
    for run in 0_u32.. {
        if run != 0
            && run.is_multiple_of(RUNS_BETWEEN_STATISTICS)
            && let Err(error) = core.store.refresh_statistics().await
        {
            tracing::warn!("the database's statistics could not be refreshed; tried again tomorrow: {error}");
        }
        if let Err(error) = bridge::check_clock(&core).await {
            tracing::warn!("the clock could not be checked; tried again in a minute: {error}");
        }
        if let Err(error) = bridge::check_room(&core).await {
            tracing::warn!("the room for media could not be checked; tried again in a minute: {error}");
        }
        if run.is_multiple_of(RUNS_BETWEEN_CLEANUPS) {
            match bridge::tidy(&core, kept).await {
                Ok(0) => {}
                Ok(thrown) => tracing::info!(thrown, "deleted media that nothing references"),
                Err(error) => tracing::warn!("housekeeping failed; tried again in an hour: {error}"),
            }
        }
        tokio::select! {
            () = core.clock.sleep(EVERY) => {}
            () = stopping.cancelled() => return Ok(()),
        }
    }
    Ok(())
}
