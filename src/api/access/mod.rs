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

/// The use of a key is written down at most this often.
const TOUCH_EVERY: Duration = Duration::from_mins(5);
/// How long a request waits for a note that it can do without.
const NOTE_WITHIN: Duration = Duration::from_millis(250);
/// The pause after such a note could not be written.
const NOTE_AGAIN: Duration = Duration::from_mins(1);

/// Checks keys and writes the audit log. Clones share what they know.
#[derive(Clone)]
pub struct Access {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    /// No note that can be done without is tried before this: the database takes none at present.
    notes_from: Arc<AtomicI64>,
}

impl Access {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            notes_from: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    /// Writes down that a key was used, unless it was a short while ago.
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

    /// Waits a moment for a note that a request can do without, and tells whether it was written. After a failure none is
    /// tried for a while: a database that is full or held by another program takes none, and is read all the same.
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
