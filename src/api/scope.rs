//! What a key may do: each scope includes those before it.

use crate::domain::word::words;

words! {
    /// A right, ordered from the least to the most.
    Scope {
        /// See customers, conversations, messages and events.
        Read = "read",
        /// Send messages, mark conversations as read, say what customers are called.
        Send = "send",
        /// Link and unlink accounts, merge customers, decide about messages, work the outbox and the quarantine.
        Manage = "manage",
        /// Make and revoke keys, take backups.
        Admin = "admin",
    }
}

impl Scope {
    /// The greatest of `words`; those that are no scopes grant nothing.
    pub fn greatest<S: AsRef<str>>(words: &[S]) -> Option<Self> {
        words.iter().filter_map(|word| word.as_ref().parse().ok()).max()
    }
}
