//! Wakes those who may have work: once a transaction has committed, and only those for whom it wrote something. A wake-up is a
//! hint, never the truth: one that is lost (or that another process would have had to give) costs a poll, never a message.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::AccountId;
use crate::domain::outbox::Target;

use super::{Store, Tx};

/// For whom there may be work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkFor {
    /// The relay to WhatsApp of an account.
    WhatsApp(AccountId),
    /// The relay to the rooms, which is one for all accounts.
    Rooms,
    /// The fetching of an account's media.
    Media(AccountId),
    /// The looking up of profile pictures through an account.
    Avatars(AccountId),
    /// The linking of an account's device.
    Linking(AccountId),
}

impl WorkFor {
    /// Returns who takes an account's work for a target.
    pub const fn outbox(target: Target, account: AccountId) -> Self {
        match target {
            Target::WhatsApp => Self::WhatsApp(account),
            Target::Matrix => Self::Rooms,
        }
    }
}

/// Everybody who waits to be woken. Clones share them.
#[derive(Clone, Default)]
pub(super) struct WakeUps(Arc<Mutex<HashMap<WorkFor, watch::Sender<()>>>>);

impl WakeUps {
    /// Wakes those who wait for such work.
    pub fn wake(&self, work: &BTreeSet<WorkFor>) {
        let waiting = self.lock();
        for sender in work.iter().filter_map(|work| waiting.get(work)) {
            sender.send_replace(());
        }
    }

    fn listen(&self, work: WorkFor) -> watch::Receiver<()> {
        self.lock().entry(work).or_default().subscribe()
    }

    /// The map is whole whatever happened to another thread that held it.
    fn lock(&self) -> MutexGuard<'_, HashMap<WorkFor, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Returns what changes whenever a transaction has committed that wrote such work.
    pub fn wake_ups(&self, work: WorkFor) -> watch::Receiver<()> {
        self.inner.wake_ups.listen(work)
    }
}

impl Tx {
    /// Has those woken, once this is committed, who take such work: there may be some that they could not do before.
    pub fn wake(&self, work: WorkFor) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).insert(work);
    }
}
