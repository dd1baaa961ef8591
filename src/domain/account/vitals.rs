//! Health of an account's browser: memory, and repairs since the program's start.

use std::collections::BTreeMap;

use crate::domain::word::words;

words! {
    /// Way in which a page that looked connected did not receive events.
    Deafness {
        /// The page shows a message that no listener reported.
        Listener = "listener",
        /// Its main thread does not respond.
        Frozen = "frozen",
        /// Its socket is open but dead.
        Socket = "socket",
        /// The library has not found what it needs.
        Library = "library",
    }
}

/// Figures of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserHealth {
    /// How often each kind of deafness was found.
    pub deaf: BTreeMap<Deafness, u64>,
    /// Memory of the browser's processes, in bytes; shared memory counts once.
    pub browser_bytes: Option<u64>,
    /// Size of the page's script heap, in bytes.
    pub heap_bytes: Option<u64>,
    /// How often we have reloaded the page, to repair it or to limit its memory.
    pub reloads: u64,
    /// How often the browser was restarted.
    pub restarts: u64,
}

impl BrowserHealth {
    /// Counts one case of deafness.
    pub fn was_deaf(&mut self, how: Deafness) {
        *self.deaf.entry(how).or_default() += 1;
    }
}
