//! Counts the events that this process has committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::contract::EventType;
use crate::store::Store;

/// Counts of committed events by type. Clones share the counts.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<EventType, u64>>>);

impl Tally {
    /// Adds the events of a transaction that was committed.
    pub fn add(&self, committed: impl IntoIterator<Item = EventType>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in committed {
            *counts.entry(kind).or_default() += 1;
        }
    }
}

impl Store {
    /// Returns how many events of each type this process has committed since it started.
    pub fn events_committed(&self) -> BTreeMap<EventType, u64> {
        let counts = self.inner.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }
}
