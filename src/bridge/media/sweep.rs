//! Throwing away the bytes that belong to nothing: of files that were handed in and never sent, and of whatever a crash left
//! between an object and its row. Rows go first and objects later, when they are old enough and no row is left: a crash in
//! between leaves an object for the next time.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::Timestamp;
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultError};

/// What is younger is left alone: its row may be about to be written, by another server even.
const GRACE: Duration = Duration::from_hours(24);
/// Rows that are forgotten in one transaction.
const ROWS_AT_ONCE: u64 = 500;

/// How sweeping failed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Gives how many objects were thrown away.
pub async fn sweep(store: &Store, vault: &Vault, now: Timestamp) -> Result<u64, SweepError> {
    let before = now.minus(GRACE);
    loop {
        let forgotten = store
            .write::<_, _, StoreError, _>(before, |tx, &before| {
                async move { tx.media().forget_unsent(before, ROWS_AT_ONCE).await }.boxed()
            })
            .await?;
        if forgotten < ROWS_AT_ONCE {
            break;
        }
    }
    let known = |sha256: Vec<String>| {
        let store = store.clone();
        async move { Ok::<_, SweepError>(store.media().known_objects(&sha256).await?) }
    };
    vault.sweep(now, before, known).await
}
