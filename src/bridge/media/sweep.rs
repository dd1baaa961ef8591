//! Deletes unused media: uploads that were never sent, and objects that a crash left without a row. Rows are deleted
//! first; objects follow when they are old enough and no row refers to them, so a crash in between leaves an object for
//! the next sweep.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::Timestamp;
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultError};

/// Age below which nothing is deleted: its row may be about to be written, also by another server.
const GRACE: Duration = Duration::from_hours(24);
/// Upper bound of the rows deleted in one transaction.
const ROWS_AT_ONCE: u64 = 500;

/// Failure of a sweep.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The storage of the media failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Deletes media that are older than `GRACE` and that nothing refers to. Returns the number of deleted objects.
pub async fn sweep(store: &Store, vault: &Vault, now: Timestamp) -> Result<u64, SweepError> {
    let before = now.minus(GRACE);
    let mut last = None;
    loop {
        let unsent = store.media().unsent(before, last, ROWS_AT_ONCE).await?;
        let Some(&newest) = unsent.last() else { break };
        last = Some(newest);
        store
            .write::<_, _, StoreError, _>((unsent, before), |tx, (unsent, before)| {
                async move { tx.media().forget_unsent(unsent, *before).await }.boxed()
            })
            .await?;
    }
    let known = |sha256: Vec<String>| {
        let store = store.clone();
        async move {
            let mut known = store.media().known_objects(&sha256).await?;
            known.extend(store.exports().known_objects(&sha256).await?);
            Ok::<_, SweepError>(known)
        }
    };
    vault.sweep(now, before, known).await
}
