//! Which accounts are driven here, and the way to each one's WhatsApp. Lines come and go while the server runs: whoever needs one
//! asks for it, and keeps it no longer than the request lasts.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::whatsapp::WhatsApp;

use super::reader::Reader;
use super::syncs::Syncs;

/// One account and the way to its WhatsApp.
#[derive(Clone)]
pub struct Line {
    pub id: AccountId,
    pub name: String,
    pub port: Arc<dyn WhatsApp>,
    pub reader: Reader,
    /// How far the comparison with the page has come.
    pub resynced: watch::Receiver<u64>,
    /// Where a comparison can be asked for.
    pub syncs: Syncs,
    /// Why what was last wanted of the link to its phone has failed.
    pub link_failed: watch::Sender<Option<String>>,
}

impl Line {
    /// A line at which nobody works: up only so that it is closed with the others, should the program end meanwhile.
    pub(crate) fn idle(account: &Account, port: Arc<dyn WhatsApp>) -> Self {
        Self {
            id: account.id,
            name: account.name.clone(),
            port,
            reader: Reader::default(),
            resynced: watch::Sender::new(0).subscribe(),
            syncs: Syncs::default(),
            link_failed: watch::Sender::new(None),
        }
    }
}

/// The lines that are up. Clones share one board.
#[derive(Clone, Default)]
pub(crate) struct Board {
    lines: watch::Sender<BTreeMap<AccountId, Line>>,
    look: Arc<Notify>,
}

impl Board {
    pub fn of(lines: Vec<Line>) -> Self {
        let board = Self::default();
        for line in lines {
            board.put(line);
        }
        board
    }

    pub fn get(&self, account: AccountId) -> Option<Line> {
        self.lines.borrow().get(&account).cloned()
    }

    /// Waits until a line is up.
    pub async fn until_up(&self, account: AccountId) -> Line {
        let mut lines = self.lines.subscribe();
        loop {
            if let Some(line) = lines.borrow_and_update().get(&account) {
                return line.clone();
            }
            if lines.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub fn all(&self) -> Vec<Line> {
        self.lines.borrow().values().cloned().collect()
    }

    pub fn put(&self, line: Line) {
        self.lines.send_modify(|lines| drop(lines.insert(line.id, line)));
    }

    pub fn take(&self, account: AccountId) {
        self.lines.send_modify(|lines| drop(lines.remove(&account)));
    }

    /// An account has come or is to go: the switchboard should look.
    pub fn ring(&self) {
        self.look.notify_one();
    }

    /// Returns once somebody has rung since the last time.
    pub async fn rung(&self) {
        self.look.notified().await;
    }
}
