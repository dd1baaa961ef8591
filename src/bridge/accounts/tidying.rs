//! Cleanup at an interval: deletes old events, old entries of the audit log, old stored answers and media that nothing
//! references; none of it while the clock is doubted.

use std::time::Duration;

use crate::bridge::core::Core;
use crate::bridge::desk::EARLY_ACK_WAITS;
use crate::bridge::media::{SweepError, sweep};
use crate::store::StoreError;

/// Age at which a stored answer to an idempotency key is deleted (rule 25).
const ANSWERS_KEPT: Duration = Duration::from_hours(48);
/// Time for which an export that has ended, and has no file any more, is listed.
const EXPORTS_LISTED: Duration = Duration::from_hours(7 * 24);

/// Age at which a command or a notice in a room is forgotten; what it was is asked of the homeserver then (rule 1).
const INTERNAL_EVENTS_KEPT: Duration = Duration::from_hours(90 * 24);

/// Age at which it is forgotten that a room's event was taken in. A homeserver repeats an old transaction as late as it likes, but
/// what was written more than an hour ago is asked about before it goes out (rule 5).
const TAKEN_EVENTS_KEPT: Duration = Duration::from_hours(30 * 24);

/// How long rows are kept; zero keeps them all.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Events.
    pub journal: Duration,
    /// Entries of the audit log.
    pub audit: Duration,
}

/// Deletes what is old or unused, unless the clock is doubted. Returns the number of deleted objects of media.
pub async fn tidy(core: &Core, kept: Kept) -> Result<u64, SweepError> {
    if core.store.clock_doubted_until().await?.is_some() {
        return Ok(0);
    }
    let rows = delete_rows(core, kept).await;
    // Also if the rows cannot be deleted: the two have nothing to do with each other.
    let swept = sweep(&core.store, &core.vault, core.clock.now()).await;
    rows?;
    swept
}

async fn delete_rows(core: &Core, kept: Kept) -> Result<(), StoreError> {
    let (store, now) = (&core.store, core.clock.now());
    if !kept.journal.is_zero() {
        store.journal().prune(now.minus(kept.journal)).await?;
    }
    if !kept.audit.is_zero() {
        store.audit().prune(now.minus(kept.audit)).await?;
    }
    store.answers().prune(now.minus(ANSWERS_KEPT)).await?;
    store.exports().prune(now.minus(EXPORTS_LISTED)).await?;
    store.early_acks().prune(now.minus(EARLY_ACK_WAITS)).await?;
    store.internal_events().prune(now.minus(INTERNAL_EVENTS_KEPT)).await?;
    store.taken_events().prune(now.minus(TAKEN_EVENTS_KEPT)).await?;
    Ok(())
}
