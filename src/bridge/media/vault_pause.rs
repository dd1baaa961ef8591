//! Pauses the fetching of media while the vault fails: what is fetched then cannot be kept, and is fetched again. The owner
//! is told once, and once of the end.

use std::time::Duration;

use tokio::sync::watch;

use crate::bridge::core::{Core, trouble};
use crate::domain::Timestamp;
use crate::domain::delivery::back_off;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Key of the trouble.
const KEY: &str = "media.store";
/// Failures in a row after which the owner is told: fewer end by themselves.
const TOLD_AT: u32 = 3;
/// Added to the number of failures, so that the first pause is not the shortest of [`back_off`].
const FIRST: u32 = 2;

/// Pause of one account's fetching. Clones share it; a restart ends it.
#[derive(Clone, Default)]
pub(super) struct VaultPause(watch::Sender<Option<Failures>>);

/// Failures since the vault has last kept something.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// When the next attempt may be made.
    until: Timestamp,
}

impl Failures {
    /// Returns whether the pause has ended at `now`. A clock that was set back since makes none longer.
    fn is_over(self, now: Timestamp) -> bool {
        let left = self.until.since(now);
        left.is_zero() || left > pause(self.count)
    }
}

impl VaultPause {
    /// Returns how many of `limit` fetches may begin at `now`: none in the pause, and after it one at a time until something
    /// was kept.
    pub fn allows(&self, limit: usize, in_hand: usize, now: Timestamp) -> usize {
        let failures = *self.0.borrow();
        match failures {
            None => limit,
            Some(failures) if in_hand > 0 || !failures.is_over(now) => 0,
            Some(_) => limit.min(1),
        }
    }

    /// Notes that the vault has failed, and tells the owner if that lasts. Returns how long the medium waits: longer than
    /// the pause, so that one that alone cannot be kept is not the next again.
    pub async fn failed(&self, core: &Core, error: &VaultError) -> Result<Duration, StoreError> {
        let now = core.clock.now();
        let mut count = 0;
        self.0.send_modify(|failures| {
            let before = *failures;
            count = before.map_or(0, |before| before.count);
            // Fetches that were in hand together count once.
            if before.is_none_or(|before| before.is_over(now)) {
                count += 1;
                let until = now.plus(pause(count));
                *failures = Some(Failures { count, until });
            }
        });
        let pause = pause(count);
        tracing::error!("a medium could not be stored, trying again in {pause:?}: {error}");
        if count >= TOLD_AT && !trouble::stands(&core.store, KEY).await? {
            let text = format!(
                "Media cannot be stored: {error}. They wait, and are fetched when it works again. Messages go on without \
                 them."
            );
            trouble::of_server(core, KEY, false, text).await?;
        }
        Ok(pause * 2)
    }

    /// Notes that the vault has kept a medium, and ends the trouble.
    pub async fn worked(&self, core: &Core) -> Result<(), StoreError> {
        self.0.send_if_modified(|failures| failures.take().is_some());
        if !trouble::stands(&core.store, KEY).await? {
            return Ok(());
        }
        let text = "Media can be stored again: waiting media are fetched as before.";
        trouble::of_server(core, KEY, true, text.to_owned()).await
    }
}

/// Returns the pause after so many failures in a row: 8 s, 16 s … at most 5 min.
fn pause(count: u32) -> Duration {
    back_off(count.saturating_add(FIRST))
}
