//! The handle that checks keys and writes the audit log.

pub mod audit;
pub mod auth;
pub mod cors;
pub mod ending;
pub mod events;
pub mod guard;
pub mod hidden;
mod narrowed;
pub mod rates;
mod recent;
pub mod secret;
pub mod sight;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{ApiKeyId, Clock, Timestamp};
use crate::store::{KeyHolder, Store, StoreError, StoredApiKey};
use crate::supervisor::Supervisor;

use rates::Rates;
use recent::RecentKeys;

/// Minimum interval between two updates of a key's `last_used_at`.
const TOUCH_EVERY: Duration = Duration::from_mins(5);
/// Minimum interval between two audit lines of a key that waits for one thing.
pub(super) const WAIT_NOTED_EVERY: Duration = Duration::from_mins(10);
/// Maximum time that a request waits for a write that it does not depend on.
const NOTE_WITHIN: Duration = Duration::from_millis(250);
/// Pause after such a write has failed.
const NOTE_AGAIN: Duration = Duration::from_mins(1);

/// Rules for all callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// Whether customers' numbers are hidden from callers below `manage`.
    pub hide_numbers: bool,
    /// Most requests of a key in a minute; 0: any number.
    pub requests_per_minute: u32,
    /// Most requests of a key in a minute that change something; 0: any number.
    pub writes_per_minute: u32,
}

/// Checks keys and writes the audit log. Clones share their state.
#[derive(Clone)]
pub struct Access {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    /// Time before which no optional write is tried, because the last one failed. Milliseconds since 1970.
    notes_from: Arc<AtomicI64>,
    /// Requests that wait, with the time at which each was last written down.
    waits: Arc<Mutex<HashMap<(String, String), Timestamp>>>,
    /// Whether the use of a key is being written down; one at a time is enough.
    touching: Arc<AtomicBool>,
    supervisor: Supervisor,
    /// Counts revocations and changes of agents, so that connections look at their keys at once.
    revocations: watch::Sender<u64>,
    recent: Arc<RecentKeys>,
    /// Whether customers' numbers are hidden from callers below `manage`.
    hide_numbers: bool,
    rates: Arc<Rates>,
}

impl Access {
    /// Creates a handle that tries the first write at once.
    pub fn new(store: Store, clock: Arc<dyn Clock>, supervisor: Supervisor, rules: AccessRules) -> Self {
        Self {
            store,
            clock,
            notes_from: Arc::new(AtomicI64::new(i64::MIN)),
            waits: Arc::default(),
            touching: Arc::default(),
            supervisor,
            revocations: watch::Sender::new(0),
            recent: Arc::default(),
            hide_numbers: rules.hide_numbers,
            rates: Arc::new(Rates::new(rules.requests_per_minute, rules.writes_per_minute)),
        }
    }

    /// Limits of what each key may ask.
    pub(super) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Returns a receiver that wakes up whenever a key was revoked or an agent changed. What another process does wakes up
    /// nobody.
    pub(super) fn revoked(&self) -> watch::Receiver<u64> {
        self.revocations.subscribe()
    }

    /// Wakes up everybody whose rights may have changed, and forgets the keys in memory.
    pub(super) fn note_revocation(&self) {
        self.revocations.send_modify(|count| *count += 1);
    }

    /// Returns the key with this hash and its agent, from memory if they were looked up a moment ago.
    async fn key(&self, hash: [u8; 32]) -> Result<Option<KeyHolder>, StoreError> {
        let (revocations, now) = (*self.revocations.borrow(), Instant::now());
        if let Some(recent) = self.recent.get(&hash, revocations, now) {
            return Ok(Some(recent));
        }
        let holder = self.store.keys().holder(&hash).await?;
        if let Some(holder) = &holder {
            self.recent.put(hash, holder.clone(), revocations, now);
        }
        Ok(holder)
    }

    /// Updates a key's `last_used_at`, unless that was done within [`TOUCH_EVERY`]. The request does not wait for it, and
    /// does not depend on it.
    pub(super) fn touch(&self, key: &StoredApiKey) {
        let now = self.clock.now();
        if key.last_used_at.is_some_and(|last| now.since(last) < TOUCH_EVERY) {
            return;
        }
        if self.touching.swap(true, Ordering::AcqRel) {
            return;
        }
        let (access, id): (_, ApiKeyId) = (self.clone(), key.id);
        self.supervisor.spawn_short("key use", async move {
            let touched = access
                .store
                .write::<_, _, StoreError, _>(id, |tx, &id| async move { tx.keys().touch(id).await }.boxed());
            if !access.noted(touched).await {
                tracing::debug!(key = %id, "the use of a key was not written down");
            }
            // Else those in memory would ask for it again.
            access.recent.clear();
            access.touching.store(false, Ordering::Release);
        });
    }

    /// Returns whether this key has asked for this already within [`WAIT_NOTED_EVERY`], and takes note of it if not.
    pub(super) fn is_repeated(&self, wait: (String, String)) -> bool {
        let now = self.clock.now();
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |last: &Timestamp| now.since(*last) < WAIT_NOTED_EVERY;
        if waits.get(&wait).is_some_and(is_recent) {
            return true;
        }
        waits.retain(|_, last| is_recent(last));
        waits.insert(wait, now);
        false
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
