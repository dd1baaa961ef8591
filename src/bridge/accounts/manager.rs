//! Starts and ends the lines of accounts while the server runs. What is to be is in the accounts' rows, so it is found again after
//! whatever crash; being told of a change only makes it quicker. Every account is seen to in a task of its own: one that is being
//! taken away keeps no other waiting.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bridge::core::registry::{Board, Line};
use crate::bridge::core::{Core, Progress};
use crate::bridge::desk::Desk;
use crate::bridge::history::Vanishing;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::matrix::MatrixStatus;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::WhatsApp;
use crate::store::{Fence, Holder, StoreError};
use crate::supervisor::Supervisor;

use super::start;
use super::start::Drive;

/// How often the rows are looked at when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The pause after an account could not be driven or taken away.
const RETRY: Duration = Duration::from_secs(30);

/// Where the ways to WhatsApp come from: the part of the port that makes and unmakes it.
#[async_trait]
pub trait Source: Send + Sync {
    /// Takes an account's profile and begins to start its browser, in tasks of `tasks`.
    fn open(&self, account: &str, tasks: &Supervisor) -> anyhow::Result<Arc<dyn WhatsApp>>;

    /// Whether an account has a profile here.
    fn has_profile(&self, account: &str) -> bool;

    /// Throws the profile of an account away that is not open. One that is gone is thrown away already.
    async fn forget(&self, account: &str) -> std::io::Result<()>;
}

/// Starts and ends lines.
pub struct Switchboard {
    pub(crate) core: Core,
    pub(crate) board: Board,
    pub(crate) source: Arc<dyn Source>,
    /// Who drives the accounts.
    holder: Holder,
    pub(crate) tasks: Supervisor,
    /// Under which lease each account is driven here.
    leases: Mutex<HashMap<AccountId, Fence>>,
    /// The workers of each line.
    workers: Mutex<HashMap<AccountId, Supervisor>>,
    /// Accounts that are being seen to.
    busy: Mutex<HashSet<AccountId>>,
}

impl Switchboard {
    pub fn new(core: Core, source: Arc<dyn Source>, holder: Holder, tasks: &Supervisor) -> Arc<Self> {
        Arc::new(Self {
            core,
            board: Board::default(),
            source,
            holder,
            tasks: tasks.clone(),
            leases: Mutex::default(),
            workers: Mutex::default(),
            busy: Mutex::default(),
        })
    }

    /// The desk over the lines that are up.
    pub fn desk(&self, matrix: Option<watch::Receiver<MatrixStatus>>) -> Desk {
        Desk::over(self.core.clone(), self.board.clone(), matrix)
    }

    /// Starts the lines of all accounts that are to stay.
    pub async fn open_all(&self) -> anyhow::Result<()> {
        for account in self.core.store.accounts().await? {
            if account.is_in_use() {
                self.open(&account).await?;
            }
        }
        Ok(())
    }

    /// Starts the line of an account.
    pub async fn open(&self, account: &Account) -> anyhow::Result<()> {
        let fence = self.take_lease(account.id).await?;
        lock(&self.leases).insert(account.id, fence);
        let workers = self.tasks.group();
        let port = self.source.open(&account.name, &workers)?;
        let drive = Drive {
            id: account.id,
            name: account.name.clone(),
            port,
            fence,
        };
        let line = start::drive(&self.core, drive, &workers);
        lock(&self.workers).insert(account.id, workers);
        self.board.put(line);
        Ok(())
    }

    /// Works until `stopping`.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) -> anyhow::Result<()> {
        while !stopping.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::error!("the accounts could not be looked at, trying again: {error}");
            }
            tokio::select! {
                () = self.board.rung() => {}
                () = self.core.clock.sleep(LOOK_EVERY) => {}
                () = stopping.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Begins whatever is to be done.
    async fn look(self: &Arc<Self>) -> Result<(), StoreError> {
        for account in self.core.store.all_accounts().await? {
            if account.removed_at.is_some() {
                self.let_disappear(account.id).await?;
                continue;
            }
            let has_work = account.removing_at.is_some() || self.board.get(account.id).is_none();
            if has_work && lock(&self.busy).insert(account.id) {
                self.see_to(account.id);
            }
        }
        Ok(())
    }

    fn see_to(self: &Arc<Self>, id: AccountId) {
        let (switchboard, stopping) = (Arc::clone(self), self.tasks.stopping());
        self.tasks.spawn_short("switchboard", async move {
            // What is left undone when the program ends is found in the row by the next one.
            tokio::select! {
                () = switchboard.attend(id) => {}
                () = stopping.cancelled() => return,
            }
            lock(&switchboard.busy).remove(&id);
            switchboard.board.ring();
        });
    }

    async fn attend(&self, id: AccountId) {
        let Err(error) = self.bring_about(id).await else {
            return;
        };
        tracing::error!(account = %id, "trying again in {RETRY:?}: {error:#}");
        if let Err(error) = self.note_failure(id, format!("{error:#}")).await {
            tracing::error!(account = %id, "this could not be written down: {error}");
        }
        self.core.clock.sleep(RETRY).await;
    }

    /// Does what the row says now: it may have changed since somebody looked.
    pub async fn bring_about(&self, id: AccountId) -> anyhow::Result<()> {
        match self.core.store.account(id).await? {
            Some(account) if account.removed_at.is_some() => Ok(()),
            Some(account) if account.removing_at.is_some() => self.remove(&account).await.map(|_| ()),
            Some(account) if self.board.get(id).is_none() => self.open(&account).await,
            _ => Ok(()),
        }
    }

    /// An account that is not driven is in no state that its browser could tell of.
    async fn note_failure(&self, id: AccountId, why: String) -> Result<(), StoreError> {
        let noted = self.core.write(move |tx| {
            let why = why.clone();
            async move {
                if tx.set_session(id, SessionState::Failed, Some(&why)).await?
                    && let Some(account) = tx.account(id).await?
                {
                    tx.emit(Event::account(&account));
                }
                Ok(())
            }
            .boxed()
        });
        noted.await
    }

    /// What disappears does so in accounts that are gone as well, though nobody drives them.
    async fn let_disappear(&self, gone: AccountId) -> Result<(), StoreError> {
        let vanishing = Vanishing::new(self.core.clone(), gone);
        while vanishing.step().await? == Progress::Worked {}
        Ok(())
    }

    /// Drives an account from this data folder and no other (rule 26).
    async fn take_lease(&self, account: AccountId) -> Result<Fence, StoreError> {
        let holder = self.holder.clone();
        let taken = self.core.write(move |tx| {
            let holder = holder.clone();
            async move { tx.take_lease(account, &holder).await }.boxed()
        });
        taken.await
    }

    /// Lets every account go that is driven here, so that another process may take it at once. To be called when nothing
    /// drives them any more.
    pub async fn release_all(&self) {
        let leases = std::mem::take(&mut *lock(&self.leases));
        for (account, fence) in leases {
            let released = self
                .core
                .write(move |tx| async move { tx.release_lease(account, fence).await }.boxed());
            let released: Result<bool, StoreError> = released.await;
            if let Err(error) = released {
                tracing::warn!(%account, "an account could not be let go; `crm account release` does so: {error}");
            }
        }
    }

    /// Ends the workers of a line, and gives the line, which is still up.
    pub(crate) async fn end_workers(&self, account: AccountId, limit: Duration) -> Option<Line> {
        let workers = lock(&self.workers).remove(&account);
        if let Some(workers) = workers
            && !workers.shutdown(limit).await
        {
            tracing::warn!(%account, "some work of an account did not end in time");
        }
        self.board.get(account)
    }
}

/// The maps are whole whatever happened to another thread that held them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
