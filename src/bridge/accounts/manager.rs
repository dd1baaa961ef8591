//! Starts and ends the lines of accounts while the server runs. What is to be is in the accounts' rows, so it is found again after
//! whatever crash; being told of a change only makes it quicker. Every account is seen to in a task of its own, and a fault is its
//! own: one that is being taken away keeps no other waiting, and one that cannot be opened, has lost its lease or a worker, ends
//! and is started again, after a pause that grows, while the others go on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bridge::core::registry::{Board, Line};
use crate::bridge::core::worker::Worker as _;
use crate::bridge::core::{Core, Progress, trouble};
use crate::bridge::desk::Desk;
use crate::bridge::history::Vanishing;
use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::delivery::back_off;
use crate::domain::matrix::MatrixStatus;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::WhatsApp;
use crate::store::{Fence, Holder, StoreError};
use crate::supervisor::Supervisor;

use super::start;
use super::start::Drive;

/// How often the rows are looked at when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// An account that was well for so long begins with the shortest pause again.
const STABLE: Duration = Duration::from_mins(10);
/// What is over by itself in a moment is not worth a message to anybody.
const TOLD_AFTER: Duration = Duration::from_mins(1);
/// How long an account's workers may take to finish what they have in hand.
pub(super) const DRAIN: Duration = Duration::from_secs(20);
/// How long its browser may take to end.
pub(super) const BROWSER: Duration = Duration::from_secs(10);

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

/// What went wrong with an account last.
struct Failure {
    /// Failures before it, without a quiet time in between.
    before: u32,
    /// Until when the account is left alone.
    until: Instant,
    /// Whether it was being taken away then.
    removing: bool,
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
    failures: Mutex<HashMap<AccountId, Failure>>,
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
            failures: Mutex::default(),
        })
    }

    /// The desk over the lines that are up.
    pub fn desk(&self, matrix: Option<watch::Receiver<MatrixStatus>>) -> Desk {
        Desk::over(self.core.clone(), self.board.clone(), matrix)
    }

    /// Starts the lines of all accounts that are to stay. One that cannot be opened is told of, and tried again by
    /// [`Self::run`].
    pub async fn open_all(&self) -> anyhow::Result<()> {
        for account in self.core.store.accounts().present().await? {
            if account.is_in_use() {
                self.attend(account.id).await;
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
        self.watch(&workers);
        lock(&self.workers).insert(account.id, workers);
        self.board.put(line);
        Ok(())
    }

    /// Has the accounts looked at when one of these workers is lost.
    fn watch(&self, workers: &Supervisor) {
        let (board, workers) = (self.board.clone(), workers.clone());
        self.tasks.spawn_short("watch over an account", async move {
            tokio::select! {
                _ = workers.lost() => board.ring(),
                () = workers.stopping().cancelled_owned() => {}
            }
        });
    }

    /// Works until `stopping`.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) -> anyhow::Result<()> {
        while !stopping.is_cancelled() {
            if let Err(error) = self.look(None).await {
                tracing::error!("the accounts could not be looked at, trying again: {error}");
            }
            self.wait(&stopping).await;
        }
        Ok(())
    }

    /// The same for one account alone.
    pub async fn run_one(self: Arc<Self>, account: AccountId, stopping: CancellationToken) -> anyhow::Result<()> {
        while !stopping.is_cancelled() {
            if let Err(error) = self.look(Some(account)).await {
                tracing::error!(%account, "the account could not be looked at, trying again: {error}");
            }
            self.wait(&stopping).await;
        }
        Ok(())
    }

    async fn wait(&self, stopping: &CancellationToken) {
        tokio::select! {
            () = self.board.rung() => {}
            () = self.core.clock.sleep(LOOK_EVERY) => {}
            () = stopping.cancelled() => {}
        }
    }

    /// Begins whatever is to be done, for one account or for all.
    async fn look(self: &Arc<Self>, only: Option<AccountId>) -> Result<(), StoreError> {
        for account in self.core.store.accounts().all().await? {
            if only.is_some_and(|only| only != account.id) {
                continue;
            }
            if account.removed_at.is_some() {
                self.let_disappear(account.id).await?;
                continue;
            }
            let is_well = self.board.get(account.id).is_some() && self.loss_of(account.id).is_none();
            let has_work = account.removing_at.is_some() || !is_well;
            if has_work && !self.is_left_alone(&account) {
                self.see_to(account.id);
            }
        }
        Ok(())
    }

    fn see_to(self: &Arc<Self>, id: AccountId) {
        if !lock(&self.busy).insert(id) {
            return;
        }
        let (busy, stopping) = (Busy(Arc::clone(self), id), self.tasks.stopping());
        self.tasks.spawn_short("switchboard", async move {
            // What is left undone when the program ends is found in the row by the next one.
            tokio::select! {
                () = busy.0.attend(id) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Does what is to be done for an account; when that fails, says so and leaves it alone for a while.
    async fn attend(&self, id: AccountId) {
        let Err(error) = self.bring_about(id).await else {
            return;
        };
        let pause = self.note_pause(id).await;
        tracing::error!(account = %id, "trying again in {pause:?}: {error:#}");
        if let Err(error) = self.note_failure(id, format!("{error:#}")).await {
            tracing::error!(account = %id, "this could not be written down: {error}");
        }
        let (board, stopping) = (self.board.clone(), self.tasks.stopping());
        self.tasks.spawn_short("pause of an account", async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => board.ring(),
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Returns for how long an account that has just failed is left alone.
    async fn note_pause(&self, id: AccountId) -> Duration {
        let account = self.core.store.accounts().get(id).await.ok().flatten();
        let mut failures = lock(&self.failures);
        let recent = failures.get(&id).filter(|last| last.until.elapsed() < STABLE);
        let before = recent.map_or(0, |last| last.before + 1);
        let pause = back_off(before);
        let failure = Failure {
            before,
            until: Instant::now() + pause,
            removing: account.is_some_and(|account| account.removing_at.is_some()),
        };
        failures.insert(id, failure);
        pause
    }

    /// Whether an account has failed a moment ago, at what is still to be done.
    fn is_left_alone(&self, account: &Account) -> bool {
        let failures = lock(&self.failures);
        failures
            .get(&account.id)
            .is_some_and(|last| last.until > Instant::now() && last.removing == account.removing_at.is_some())
    }

    /// Does what the row says now: it may have changed since somebody looked.
    pub async fn bring_about(&self, id: AccountId) -> anyhow::Result<()> {
        let Some(account) = self.core.store.accounts().get(id).await? else {
            return Ok(());
        };
        if account.removed_at.is_some() {
            return Ok(());
        }
        if account.removing_at.is_some() {
            return self.remove(&account).await.map(|_| ());
        }
        if let Some(why) = self.loss_of(id) {
            self.end_line(id).await;
            anyhow::bail!("{why}; it is started again by itself");
        }
        if self.board.get(id).is_none() {
            return self.open(&account).await;
        }
        Ok(())
    }

    /// What became of an account that has lost one of its workers.
    fn loss_of(&self, id: AccountId) -> Option<String> {
        lock(&self.workers).get(&id).and_then(Supervisor::loss)
    }

    /// Ends all that drives an account.
    async fn end_line(&self, id: AccountId) {
        if let Some(line) = self.end_workers(id, DRAIN).await {
            line.port.close(BROWSER).await;
        }
        self.board.take(id);
    }

    /// An account that is not driven is in no state that its browser could tell of.
    async fn note_failure(&self, id: AccountId, why: String) -> Result<(), StoreError> {
        let noted = self.core.write((self.core.clone(), id, why), |tx, (core, id, why)| {
            async move {
                if tx.accounts().set_session(*id, SessionState::Failed, Some(why)).await?
                    && let Some(account) = tx.accounts().get(*id).await?
                {
                    tx.emit(Event::account_state(&account));
                    let (key, text) = (
                        trouble::key_of(*id),
                        format!("WhatsApp ({}) is failed: {why}", account.name),
                    );
                    let policy = core.policy_of(&account.name);
                    trouble::open(tx, &policy, *id, &key, &text, TOLD_AFTER).await?;
                }
                Ok(())
            }
            .boxed()
        });
        noted.await
    }

    /// What disappears does so in accounts that are gone as well, though nobody drives them.
    async fn let_disappear(&self, gone: AccountId) -> Result<(), StoreError> {
        let mut vanishing = Vanishing::new(self.core.clone(), gone);
        while vanishing.step().await? == Progress::Worked {}
        Ok(())
    }

    /// Drives an account from this data folder and no other (rule 26).
    async fn take_lease(&self, account: AccountId) -> Result<Fence, StoreError> {
        let input = (account, self.holder.clone());
        let taken = self.core.write(input, |tx, (account, holder)| {
            async move { tx.accounts().take_lease(*account, holder).await }.boxed()
        });
        taken.await
    }

    /// Lets every account go that is driven here, so that another process may take it at once. To be called when nothing
    /// drives them any more.
    pub async fn release_all(&self) {
        let leases = std::mem::take(&mut *lock(&self.leases));
        for (account, fence) in leases {
            let released = self.core.write((account, fence), |tx, &(account, fence)| {
                async move { tx.accounts().release_lease(account, fence).await }.boxed()
            });
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

/// An account that is being seen to, until this is dropped, also by a panic.
struct Busy(Arc<Switchboard>, AccountId);

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.0.busy).remove(&self.1);
        self.0.board.ring();
    }
}

/// The maps are whole whatever happened to another thread that held them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
