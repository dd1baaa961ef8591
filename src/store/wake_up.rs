//! Wake-ups: after a commit, wakes the workers for which the transaction has written work. A wake-up is only a hint:
//! one that is lost (or that another process would have to send) costs a poll, never a message.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::AccountId;
use crate::domain::outbox::Target;

use super::{Store, Tx};

/// A worker for which there may be work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkFor {
    /// The relay to WhatsApp of an account.
    WhatsApp(AccountId),
    /// The relay to Matrix, one for all accounts.
    Rooms,
    /// The fetching of files that agents have sent in rooms.
    RoomFiles,
    /// The download of an account's media.
    Media(AccountId),
    /// The import of an account's history.
    History(AccountId),
    /// The lookup of avatars through an account.
    Avatars(AccountId),
    /// The linking of an account's device.
    Linking(AccountId),
    /// The management room.
    Management,
    /// The Spaces.
    Spaces,
    /// The writing of exports.
    Exports,
}

impl WorkFor {
    /// Returns the worker that does an account's work for a target.
    pub const fn outbox(target: Target, account: AccountId) -> Self {
        match target {
            Target::WhatsApp => Self::WhatsApp(account),
            Target::Matrix => Self::Rooms,
        }
    }
}

/// All waiting workers. Clones share them.
#[derive(Clone, Default)]
pub(super) struct WakeUps(Arc<Mutex<HashMap<WorkFor, watch::Sender<()>>>>);

impl WakeUps {
    /// Wakes the workers that wait for such work.
    pub fn wake(&self, work: &BTreeSet<WorkFor>) {
        let waiting = self.lock();
        for sender in work.iter().filter_map(|work| waiting.get(work)) {
            sender.send_replace(());
        }
    }

    fn listen(&self, work: WorkFor) -> watch::Receiver<()> {
        self.lock().entry(work).or_default().subscribe()
    }

    /// Returns the map even if another thread panicked while it held the lock; the map is always consistent.
    fn lock(&self) -> MutexGuard<'_, HashMap<WorkFor, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Returns a receiver that changes whenever a transaction with such work has committed.
    pub fn wake_ups(&self, work: WorkFor) -> watch::Receiver<()> {
        self.inner.wake_ups.listen(work)
    }
}

impl Tx {
    /// Wakes this worker after the commit.
    pub fn wake(&self, work: WorkFor) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).insert(work);
    }
}
