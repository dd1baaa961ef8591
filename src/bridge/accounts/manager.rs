//! Starts and ends accounts while the server runs. The wanted state is in the accounts' rows, so it survives any crash;
//! a notification of a change only makes the manager react sooner. Each account is handled in a task of its own, so a
//! fault stays with it: an account that is being removed delays no other, and one that cannot be opened, or has lost
//! its lease or a worker, ends and is started again after a growing pause, while the others continue.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bridge::core::registry::{AccountHandle, AccountRegistry};
use crate::bridge::core::worker::Worker as _;
use crate::bridge::core::{Core, Progress, accounts, trouble};
use crate::bridge::desk::Desk;
use crate::bridge::history::DisappearingWorker;
use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::delivery::back_off;
use crate::domain::matrix::MatrixStatus;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::WhatsApp;
use crate::store::{BEATS_EVERY, Fence, Holder, StoreError};
use crate::supervisor::Supervisor;

use super::start;
use super::start::Drive;

/// How often the rows are checked without a notification.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// An account that ran without a failure for this long starts again with the shortest pause.
const STABLE: Duration = Duration::from_mins(10);
/// How long a failure must last before the owner is told, since short ones end by themselves.
const TOLD_AFTER: Duration = Duration::from_mins(1);
/// Upper bound of the time in which an account's workers finish the work in hand.
pub(super) const DRAIN: Duration = Duration::from_secs(20);
/// Upper bound of the time in which an account's browser ends.
pub(super) const BROWSER: Duration = Duration::from_secs(10);

/// Factory of the connections to WhatsApp: opens an account's profile and deletes it.
#[async_trait]
pub trait Source: Send + Sync {
    /// Locks an account's profile and begins to start its browser, in tasks of `tasks`.
    fn open(&self, account: &str, tasks: &Supervisor) -> anyhow::Result<Arc<dyn WhatsApp>>;

    /// Returns whether an account has a profile in this data folder.
    fn has_profile(&self, account: &str) -> bool;

    /// Deletes the profile of an account that is not open. Succeeds if there is none.
    async fn forget(&self, account: &str) -> std::io::Result<()>;
}

/// The last failure of an account.
struct Failure {
    /// Failures before it, with less than [`STABLE`] between them.
    before: u32,
    /// When the account may be tried again.
    until: Instant,
    /// Whether the account was being removed when it failed.
    removing: bool,
}

/// Account manager: starts and ends accounts, and holds the registry of those that run.
pub struct AccountManager {
    /// Shared context of the bridge.
    pub(crate) core: Core,
    /// Handles of the accounts that run.
    pub(crate) registry: AccountRegistry,
    /// Opens and deletes profiles.
    pub(crate) source: Arc<dyn Source>,
    /// This process, as it stands in the leases that it takes.
    holder: Holder,
    /// Supervisor of the manager's tasks; each account gets a group of it.
    pub(crate) tasks: Supervisor,
    /// Fence of the lease under which this process runs each account.
    leases: Mutex<HashMap<AccountId, Fence>>,
    /// The workers of each account.
    workers: Mutex<HashMap<AccountId, Supervisor>>,
    /// Accounts that a task is starting or ending now; at most one task works on an account.
    busy: Mutex<HashSet<AccountId>>,
    failures: Mutex<HashMap<AccountId, Failure>>,
}

impl AccountManager {
    /// Builds the manager; it starts no account. `holder` names this process in the leases, and `tasks` runs the
    /// workers.
    pub fn new(core: Core, source: Arc<dyn Source>, holder: Holder, tasks: &Supervisor) -> Arc<Self> {
        Arc::new(Self {
            core,
            registry: AccountRegistry::default(),
            source,
            holder,
            tasks: tasks.clone(),
            leases: Mutex::default(),
            workers: Mutex::default(),
            busy: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// Returns the desk over the accounts that run. `matrix`: the homeserver's state, where one is configured.
    pub fn desk(&self, matrix: Option<watch::Receiver<MatrixStatus>>) -> Desk {
        Desk::over(self.core.clone(), self.registry.clone(), matrix)
    }

    /// Starts all accounts that are in use. A failure to open one is logged and stored; [`Self::run`] tries it again.
    pub async fn open_all(&self) -> anyhow::Result<()> {
        for account in self.core.store.accounts().present().await? {
            if account.is_in_use() {
                self.attend(account.id).await;
            }
        }
        Ok(())
    }

    /// Starts an account: takes its lease, opens its profile, starts its workers, and registers its handle.
    pub async fn open(&self, account: &Account) -> anyhow::Result<()> {
        let fence = self.take_lease(account.id).await?;
        // Noted before the profile is opened, so that the lease is released at the end even if that fails.
        lock(&self.leases).insert(account.id, fence);
        let workers = self.tasks.group();
        let port = self.source.open(&account.name, &workers)?;
        let drive = Drive {
            id: account.id,
            name: account.name.clone(),
            port,
            fence,
        };
        let handle = start::drive(&self.core, drive, &workers);
        self.watch(&workers);
        lock(&self.workers).insert(account.id, workers);
        self.registry.put(handle);
        Ok(())
    }

    /// Wakes the manager when one of these workers is lost.
    fn watch(&self, workers: &Supervisor) {
        let (registry, workers) = (self.registry.clone(), workers.clone());
        self.tasks.spawn_short("watch over an account", async move {
            tokio::select! {
                _ = workers.lost() => registry.ring(),
                () = workers.stopping().cancelled_owned() => {}
            }
        });
    }

    /// Starts and ends accounts as their rows say, until `stopping`. Database errors are logged and retried.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) -> anyhow::Result<()> {
        self.keep(None, &stopping).await;
        Ok(())
    }

    /// Does the same as [`Self::run`] for one account alone.
    pub async fn run_one(self: Arc<Self>, account: AccountId, stopping: CancellationToken) -> anyhow::Result<()> {
        self.keep(Some(account), &stopping).await;
        Ok(())
    }

    /// Looks after one account, or all, and stores heartbeats.
    async fn keep(self: &Arc<Self>, only: Option<AccountId>, stopping: &CancellationToken) {
        let mut last_beat: Option<Instant> = None;
        while !stopping.is_cancelled() {
            if last_beat.is_none_or(|at| at.elapsed() >= BEATS_EVERY) {
                match self.beat().await {
                    Ok(()) => last_beat = Some(Instant::now()),
                    Err(error) => tracing::warn!("other servers may take this one for gone: {error}"),
                }
            }
            if let Err(error) = self.look(only).await {
                tracing::error!("the accounts could not be read, trying again: {error}");
            }
            self.wait(stopping).await;
        }
    }

    /// Stores that this process runs, for servers on other machines.
    async fn beat(&self) -> Result<(), StoreError> {
        let beaten = self.core.write(self.holder.folder.clone(), |tx, folder: &String| {
            async move { tx.accounts().beat(folder).await }.boxed()
        });
        beaten.await
    }

    async fn wait(&self, stopping: &CancellationToken) {
        tokio::select! {
            () = self.registry.rung() => {}
            () = self.core.clock.sleep(LOOK_EVERY) => {}
            () = stopping.cancelled() => {}
        }
    }

    /// Begins the pending work of one account, or of all.
    async fn look(self: &Arc<Self>, only: Option<AccountId>) -> Result<(), StoreError> {
        for account in self.core.store.accounts().all().await? {
            if only.is_some_and(|only| only != account.id) {
                continue;
            }
            if account.removed_at.is_some() {
                self.let_disappear(account.id).await?;
                // Another server has removed it.
                if self.registry.get(account.id).is_some() && !self.is_left_alone(&account) {
                    self.see_to(account.id);
                }
                continue;
            }
            // A gateway's account has neither browser nor workers.
            let is_there = account.is_gateway() || self.registry.get(account.id).is_some();
            let is_well = is_there && self.loss_of(account.id).is_none();
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
        self.tasks.spawn_short("manager", async move {
            // Unfinished work is dropped when the program ends: the next start finds it in the row.
            tokio::select! {
                () = busy.0.attend(id) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Does the pending work of an account. On failure, logs and stores the reason, and pauses the account.
    async fn attend(&self, id: AccountId) {
        let Err(error) = self.bring_about(id).await else {
            return;
        };
        let pause = self.note_pause(id).await;
        if self.is_driven_elsewhere(id, &error).await {
            // Its state is what that server says.
            tracing::info!(account = %id, "another server drives this account; looking again in {pause:?}");
        } else {
            tracing::error!(account = %id, "trying again in {pause:?}: {error:#}");
            if let Err(error) = self.note_failure(id, format!("{error:#}")).await {
                tracing::error!(account = %id, "the failure of an account could not be stored: {error}");
            }
        }
        let (registry, stopping) = (self.registry.clone(), self.tasks.stopping());
        self.tasks.spawn_short("pause of an account", async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => registry.ring(),
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Returns whether an account could not be opened because another server, which is known to run, drives it.
    async fn is_driven_elsewhere(&self, id: AccountId, error: &anyhow::Error) -> bool {
        if !matches!(error.downcast_ref(), Some(StoreError::LeaseElsewhere { .. })) {
            return false;
        }
        let store = &self.core.store;
        let Ok(Some(lease)) = store.accounts().lease(id).await else {
            return false;
        };
        let is_running = accounts::runs(store, &*self.core.is_alive, &lease.holder).await;
        is_running.unwrap_or(false)
    }

    /// Notes a failure and returns how long to wait before the next attempt.
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

    /// Returns whether the account still pauses after a failure. A new request (a removal) ends the pause.
    fn is_left_alone(&self, account: &Account) -> bool {
        let failures = lock(&self.failures);
        failures
            .get(&account.id)
            .is_some_and(|last| last.until > Instant::now() && last.removing == account.removing_at.is_some())
    }

    /// Does what the account's row says now: starts, removes, or ends it after a loss. Reads the row again, since it
    /// may have changed since `look`.
    pub async fn bring_about(&self, id: AccountId) -> anyhow::Result<()> {
        let Some(account) = self.core.store.accounts().get(id).await? else {
            return Ok(());
        };
        if account.removed_at.is_some() {
            return self.leave_removed(&account).await;
        }
        if account.removing_at.is_some() {
            // Only the server that drives it can unlink its device and delete its profile.
            self.hold(id).await?;
            self.remove(&account).await?;
            lock(&self.leases).remove(&id);
            return Ok(());
        }
        if let Some(why) = self.loss_of(id) {
            self.end_line(id).await;
            anyhow::bail!("{why}; it restarts by itself");
        }
        if account.is_gateway() {
            return Ok(());
        }
        if self.registry.get(id).is_none() {
            return self.open(&account).await;
        }
        Ok(())
    }

    /// Returns why an account has lost one of its workers, if it has.
    fn loss_of(&self, id: AccountId) -> Option<String> {
        lock(&self.workers).get(&id).and_then(Supervisor::loss)
    }

    /// Ends an account's workers and its browser, and removes its handle from the registry.
    async fn end_line(&self, id: AccountId) {
        // The workers first: they finish their work through the page.
        if let Some(handle) = self.end_workers(id, DRAIN).await {
            handle.port.close(BROWSER).await;
        }
        self.registry.take(id);
    }

    /// Stores that an account has failed, since no browser runs that could report a state. The owner is told after
    /// [`TOLD_AFTER`].
    async fn note_failure(&self, id: AccountId, why: String) -> Result<(), StoreError> {
        let noted = self.core.write_with((id, why), |tx, core, (id, why)| {
            async move {
                if tx.accounts().locked(*id).await?.removed_at.is_some() {
                    return Ok(());
                }
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

    /// Deletes expired disappearing messages of a removed account, which has no worker that would do so.
    async fn let_disappear(&self, gone: AccountId) -> Result<(), StoreError> {
        let mut worker = DisappearingWorker::new(self.core.clone(), gone);
        while worker.step().await? == Progress::Worked {}
        Ok(())
    }

    /// Takes the lease of an account, so that this data folder runs it and no other (rule 26). Fails when the
    /// account belongs to another data folder.
    async fn take_lease(&self, account: AccountId) -> Result<Fence, StoreError> {
        let input = (account, self.holder.clone());
        let taken = self.core.write(input, |tx, (account, holder)| {
            async move {
                let fence = tx.accounts().take_lease(*account, holder).await?;
                // Before the first round of `keep` other servers would take this one for gone.
                tx.accounts().beat(&holder.folder).await?;
                Ok::<_, StoreError>(fence)
            }
            .boxed()
        });
        taken.await
    }

    /// Makes sure that this data folder has the lease of an account, which it may run already. Fails as
    /// [`Self::take_lease`].
    async fn hold(&self, id: AccountId) -> Result<(), StoreError> {
        let own = lock(&self.leases).get(&id).copied();
        let present = self.core.store.accounts().lease(id).await?;
        if own.is_some() && own == present.map(|lease| lease.fence) {
            return Ok(());
        }
        let fence = self.take_lease(id).await?;
        lock(&self.leases).insert(id, fence);
        Ok(())
    }

    /// Releases the leases of all accounts, so that another process can take them at once. Call it only after all
    /// workers have ended.
    pub async fn release_all(&self) {
        let leases = std::mem::take(&mut *lock(&self.leases));
        for (account, fence) in leases {
            let released = self.core.write((account, fence), |tx, &(account, fence)| {
                async move { tx.accounts().release_lease(account, fence).await }.boxed()
            });
            let released: Result<bool, StoreError> = released.await;
            if let Err(error) = released {
                tracing::warn!(%account, "a lease could not be released; run `crm account release`: {error}");
            }
        }
        let ended = self.core.write(self.holder.folder.clone(), |tx, folder: &String| {
            async move { tx.accounts().end_heartbeat(folder).await }.boxed()
        });
        let ended: Result<(), StoreError> = ended.await;
        if let Err(error) = ended {
            tracing::debug!("the heartbeat of this server stays for some minutes: {error}");
        }
    }

    /// Ends the workers of an account within `limit`. Returns its handle, which stays registered.
    pub(crate) async fn end_workers(&self, account: AccountId, limit: Duration) -> Option<AccountHandle> {
        let workers = lock(&self.workers).remove(&account);
        if let Some(workers) = workers
            && !workers.shutdown(limit).await
        {
            tracing::warn!(%account, "some work of an account did not end in time");
        }
        self.registry.get(account)
    }
}

/// Marks an account as busy until this is dropped, also by a panic.
struct Busy(Arc<AccountManager>, AccountId);

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.0.busy).remove(&self.1);
        self.0.registry.ring();
    }
}

/// Locks a map, also after a panic of another thread: no change of a map here can stop half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
