//! How an account's browser fares: what it costs, and how often it had to be healed. Counted since the program's start.

use std::collections::BTreeMap;

use crate::domain::word::words;

words! {
    /// How a page that looks connected did not hear.
    Deafness {
        /// It shows a message that no listener has told.
        Listener = "listener",
        /// Its main thread stands still.
        Frozen = "frozen",
        /// Its socket is open and dead.
        Socket = "socket",
        /// The library has not found what it needs.
        Library = "library",
    }
}

/// One account's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    pub deaf: BTreeMap<Deafness, u64>,
    /// Memory of the browser's processes, in bytes; what they share counts once.
    pub browser_bytes: Option<u64>,
    /// Of the page's script heap, in bytes.
    pub heap_bytes: Option<u64>,
    /// How often we have loaded the page anew, to heal it or to keep it small.
    pub reloads: u64,
    /// How often the browser was started anew.
    pub restarts: u64,
}

impl Vitals {
    pub fn was_deaf(&mut self, how: Deafness) {
        *self.deaf.entry(how).or_default() += 1;
    }
}
