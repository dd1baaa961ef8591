//! Registry of the accounts that this process runs, and the handle of each. Accounts start and end while the server
//! runs, so a caller asks for a handle and keeps it no longer than the request lasts.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::whatsapp::WhatsApp;

use super::reader::ReadReceipts;
use super::syncs::Syncs;

/// Handle of one running account.
#[derive(Clone)]
pub struct AccountHandle {
    /// The account's row.
    pub id: AccountId,
    /// The account's name.
    pub name: String,
    /// The account's connection to WhatsApp.
    pub port: Arc<dyn WhatsApp>,
    /// Queue of the account's read receipts.
    pub reader: ReadReceipts,
    /// [`crate::domain::session::Session::resync`] of the last completed comparison with the page.
    pub resynced: watch::Receiver<u64>,
    /// Queue of the requested comparisons.
    pub syncs: Syncs,
    /// Why the last request to link or unlink the device has failed; `None` if it has not.
    pub link_failed: watch::Sender<Option<String>>,
}

impl AccountHandle {
    /// Returns the handle of an account without workers. It is registered only so that its browser is closed with the
    /// others if the program ends meanwhile.
    pub(crate) fn idle(account: &Account, port: Arc<dyn WhatsApp>) -> Self {
        Self {
            id: account.id,
            name: account.name.clone(),
            port,
            reader: ReadReceipts::default(),
            resynced: watch::Sender::new(0).subscribe(),
            syncs: Syncs::default(),
            link_failed: watch::Sender::new(None),
        }
    }
}

/// Registry of the accounts that this process runs. Clones share one registry.
#[derive(Clone, Default)]
pub(crate) struct AccountRegistry {
    handles: watch::Sender<BTreeMap<AccountId, AccountHandle>>,
    look: Arc<Notify>,
}

impl AccountRegistry {
    /// Builds a registry of these handles.
    pub fn of(handles: Vec<AccountHandle>) -> Self {
        let registry = Self::default();
        for handle in handles {
            registry.put(handle);
        }
        registry
    }

    /// Returns the handle of an account, if it runs.
    pub fn get(&self, account: AccountId) -> Option<AccountHandle> {
        self.handles.borrow().get(&account).cloned()
    }

    /// Waits until an account runs, without a limit. Returns its handle.
    pub async fn until_up(&self, account: AccountId) -> AccountHandle {
        let mut handles = self.handles.subscribe();
        loop {
            if let Some(handle) = handles.borrow_and_update().get(&account) {
                return handle.clone();
            }
            if handles.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns the handles of all running accounts, by id.
    pub fn all(&self) -> Vec<AccountHandle> {
        self.handles.borrow().values().cloned().collect()
    }

    /// Adds a handle, or replaces that of the same account.
    pub fn put(&self, handle: AccountHandle) {
        self.handles
            .send_modify(|handles| drop(handles.insert(handle.id, handle)));
    }

    /// Removes an account's handle, if there is one.
    pub fn take(&self, account: AccountId) {
        self.handles.send_modify(|handles| drop(handles.remove(&account)));
    }

    /// Wakes the account manager, because an account's row has changed.
    pub fn ring(&self) {
        self.look.notify_one();
    }

    /// Waits for [`Self::ring`]; returns at once if it was called since the last wait.
    pub async fn rung(&self) {
        self.look.notified().await;
    }
}
