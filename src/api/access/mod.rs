//! The handle that checks keys and writes the audit log.

pub mod auth;
pub mod guard;
pub mod secret;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::domain::{ApiKeyId, Clock, Timestamp};
use crate::store::{Store, StoreError, StoredApiKey};

/// Minimum interval between two updates of a key's `last_used_at`.
const TOUCH_EVERY: Duration = Duration::from_mins(5);
/// Maximum time that a request waits for a write that it does not depend on.
const NOTE_WITHIN: Duration = Duration::from_millis(250);
/// Pause after such a write has failed.
const NOTE_AGAIN: Duration = Duration::from_mins(1);

/// Checks keys and writes the audit log. Clones share their state.
#[derive(Clone)]
pub struct Access {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    /// Time before which no optional write is tried, because the last one failed. Milliseconds since 1970.
    notes_from: Arc<AtomicI64>,
}

impl Access {
    /// Creates a handle that tries the first write at once.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            notes_from: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    /// Updates a key's `last_used_at`, unless that was done within [`TOUCH_EVERY`].
    pub(super) async fn touch(&self, key: &StoredApiKey) {
        let now = self.clock.now();
        if key.last_used_at.is_some_and(|last| now.since(last) < TOUCH_EVERY) {
            return;
        }
        let id: ApiKeyId = key.id;
        let touched = self
            .store
            .write::<_, _, StoreError, _>(id, |tx, &id| async move { tx.keys().touch(id).await }.boxed());
        if !self.noted(touched).await {
            tracing::debug!(key = %id, "the use of a key was not written down");
        }
    }

    /// Waits at most [`NOTE_WITHIN`] for a write that the request does not depend on, and returns whether it succeeded.
    /// After a failure none is tried for [`NOTE_AGAIN`]: a database that is full or locked by another program cannot be
    /// written, but can still be read.
    pub(super) async fn noted(&self, note: impl Future<Output = Result<(), StoreError>>) -> bool {
        let now = self.clock.now();
        if now < Timestamp(self.notes_from.load(Ordering::Relaxed)) {
            return false;
        }
        let why = match timeout(NOTE_WITHIN, note).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database takes too long".to_owned(),
        };
        tracing::warn!("the uses of keys are not written down for {NOTE_AGAIN:?}: {why}");
        self.notes_from.store(now.plus(NOTE_AGAIN).0, Ordering::Relaxed);
        false
    }
}
