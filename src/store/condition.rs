//! Whether the database takes writes. It is known from the writes themselves: an empty transaction succeeds on a full
//! disk. Once a write has failed, only a write that needs room shows that there is room again.

use tokio::sync::watch;

use crate::domain::Timestamp;

use super::{Store, StoreError};

/// Setting that is written and removed to see whether there is room.
const TRIAL: &str = "room_for_writes";
/// Bytes of the trial: several pages, so that it does not fit into what is free in one. MariaDB's text has 65,535.
const TRIAL_BYTES: usize = 60_000;

/// Since when and why nothing can be written.
#[derive(Clone, Debug)]
pub struct Unwritable {
    /// Time of the first write that failed.
    pub since: Timestamp,
    /// Failure of the last one.
    pub error: StoreError,
}

/// The condition, shared by the writer and the store.
#[derive(Clone)]
pub(super) struct Condition(watch::Sender<Option<Unwritable>>);

impl Condition {
    /// Starts as writable.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Notes that a transaction has failed, if that was not for its own content.
    pub(super) fn failed(&self, now: Timestamp, error: &StoreError) {
        if !error.is_of_database() {
            return;
        }
        self.0.send_modify(|state| {
            let since = state.as_ref().map_or(now, |before| before.since);
            let error = error.clone();
            *state = Some(Unwritable { since, error });
        });
    }
}

impl Store {
    /// Returns why nothing can be written, as far as it is known; `None` while writes succeed.
    pub fn unwritable(&self) -> watch::Receiver<Option<Unwritable>> {
        self.inner.condition.0.subscribe()
    }

    /// Fails if nothing can be written now: within seconds also when another process holds the journal. After a failed
    /// write it tries one, and only its success ends [`Self::unwritable`].
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        if self.inner.condition.0.borrow().is_none() {
            return self
                .write((), |tx, ()| Box::pin(async move { tx.journal().lock().await }))
                .await;
        }
        for value in [Some("x".repeat(TRIAL_BYTES)), None] {
            self.write(value, |tx, value| {
                Box::pin(async move { tx.settings().set(TRIAL, value.as_deref()).await })
            })
            .await?;
        }
        self.inner.condition.0.send_replace(None);
        Ok(())
    }
}
