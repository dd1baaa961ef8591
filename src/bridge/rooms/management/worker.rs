//! Worker of the management room: keeps its members current, shows codes while a login is under way, carries out comparisons
//! that were asked for, and reports. All of it converges from what is stored, so a crash at any point only repeats a look.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::bridge::desk::Desk;
use crate::domain::account::Account;
use crate::domain::history::Synced;
use crate::domain::matrix::{Matrix, MatrixError, MatrixState};
use crate::domain::outbox::MatrixWork;
use crate::domain::session::Session;
use crate::domain::{AccountId, MatrixRoomId, MatrixUserId, Timestamp};
use crate::store::{NewWork, StoreError, WorkFor};

use super::codes::{self, Wanted};
use super::wants::{self, Place, WantedLogin, WantedSync};
use super::{NoRoom, members};
use crate::bridge::rooms::gone;

/// Interval between two looks while a login or a comparison is under way: a code holds for some 20 s.
const BUSY_POLL: Duration = Duration::from_millis(500);
/// Interval between two looks otherwise.
const POLL: Duration = Duration::from_secs(10);
/// Pause after the homeserver refused or did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// Worker of the management room.
pub struct ManagementRoom {
    pub(super) core: Core,
    pub(super) port: Arc<dyn Matrix>,
    desk: Desk,
    /// Members and others as they were last brought up to date in this run.
    applied: Option<(Vec<MatrixUserId>, Vec<MatrixUserId>)>,
    /// Codes that this run has shown and that stand there.
    shown: HashMap<AccountId, Wanted>,
    /// Comparisons under way, with who asked.
    syncs: HashMap<AccountId, (WantedSync, oneshot::Receiver<Synced>)>,
    /// Whether a login or a comparison is under way.
    is_busy: bool,
    /// Time before which the homeserver is not tried again.
    retry_at: Timestamp,
    /// Time of the next report.
    pub(super) report_at: Timestamp,
}

impl ManagementRoom {
    /// Builds the worker; `desk` gives the sessions of the accounts that run here.
    pub fn new(core: Core, port: Arc<dyn Matrix>, desk: Desk) -> Self {
        Self {
            core,
            port,
            desk,
            applied: None,
            shown: HashMap::new(),
            syncs: HashMap::new(),
            is_busy: false,
            retry_at: Timestamp::ZERO,
            report_at: Timestamp::ZERO,
        }
    }
}

impl Worker for ManagementRoom {
    fn name(&self) -> &'static str {
        "management room"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::Management))
            .and(self.port.status())
    }

    fn poll(&self) -> Duration {
        if self.is_busy { BUSY_POLL } else { POLL }
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        let is_ready = self.port.status().borrow().state == MatrixState::Ready;
        // After a restore nothing is sent to rooms before a person resumes the outbox (rule 5).
        if !is_ready || now < self.retry_at || self.core.store.settings().is_parked().await? {
            return Ok(Progress::Idle);
        }
        match self.look(now).await {
            Ok(progress) => Ok(progress),
            Err(NoRoom::Store(error)) => Err(error),
            Err(NoRoom::Port(error)) => {
                tracing::warn!("the management room cannot be brought up to date, trying again: {error}");
                self.retry_at = now.plus(PAUSE);
                self.applied = None;
                if matches!(error, MatrixError::RoomGone(_))
                    && let Place::Room(room) = wants::place_in(&self.core.store).await?
                {
                    self.forget(room).await?;
                }
                Ok(Progress::Idle)
            }
        }
    }
}

impl ManagementRoom {
    async fn look(&mut self, now: Timestamp) -> Result<Progress, NoRoom> {
        let Some(room) = self.room().await? else {
            return Ok(Progress::Idle);
        };
        self.is_busy = false;
        let mut worked = false;
        for account in self.core.store.accounts().all().await? {
            worked |= self.see_to_login(&room, &account, now).await?;
            worked |= self.see_to_sync(&account).await?;
        }
        worked |= self.report(&room, now).await?;
        Ok(if worked { Progress::Worked } else { Progress::Idle })
    }

    /// Returns the room, brought up to date if its members should be others than at the last look.
    async fn room(&mut self) -> Result<Option<MatrixRoomId>, NoRoom> {
        let store = &self.core.store;
        let wanted = members(store).await?;
        if self.applied.as_ref() == Some(&wanted)
            && let Place::Room(room) = wants::place_in(store).await?
        {
            return Ok(Some(room));
        }
        let room = super::ensure(&self.core, &*self.port).await?;
        self.applied = room.is_some().then_some(wanted);
        Ok(room)
    }

    /// Shows, replaces or redacts the code of an account's login. Returns whether anything was done.
    async fn see_to_login(&mut self, room: &MatrixRoomId, account: &Account, now: Timestamp) -> Result<bool, NoRoom> {
        let login = wants::login(&self.core.store, account.id)
            .await?
            .filter(|_| account.is_in_use());
        let code = wants::code(&self.core.store, account.id).await?;
        if login.is_none() && code.is_none() {
            return Ok(false);
        }
        let (session, failed) = self.session_of(account.id).await?;
        let wanted = codes::wanted(login, &account.name, session.as_ref(), failed.as_deref(), now);
        self.is_busy |= login.is_some();
        if self.shown.get(&account.id) == Some(&wanted) && code.is_some() {
            return Ok(false);
        }
        let mut worked = code.is_some();
        if let Some(code) = code {
            self.shown.remove(&account.id);
            self.redact_code(room, account.id, &code).await?;
        }
        match (&wanted, login) {
            (Wanted::End(text), Some(login)) => {
                self.end_login(room, account.id, login, text.clone()).await?;
                worked = true;
            }
            (Wanted::Nothing | Wanted::End(_), _) => {}
            (Wanted::Qr(_) | Wanted::Pairing(_), _) => {
                self.show_code(room, account, &wanted).await?;
                self.shown.insert(account.id, wanted);
                worked = true;
            }
        }
        Ok(worked)
    }

    /// Returns an account's session, if it runs here, and why the last request to link it has failed, unless that is still
    /// to be carried out.
    async fn session_of(&self, account: AccountId) -> Result<(Option<Session>, Option<String>), StoreError> {
        let Some(handle) = self.desk.handle(account) else {
            return Ok((None, None));
        };
        // The request first: it ends after the reason of its failure is there.
        let is_open = self.core.store.accounts().wanted_link(account).await?.is_some();
        let failed = handle.link_failed.borrow().clone().filter(|_| !is_open);
        let session = handle.port.session().borrow().clone();
        Ok((Some(session), failed))
    }

    /// Stores that a login is over, and tells how, in one transaction.
    async fn end_login(
        &self,
        room: &MatrixRoomId,
        account: AccountId,
        login: WantedLogin,
        text: String,
    ) -> Result<(), StoreError> {
        let work = MatrixWork::Tell {
            room: room.clone(),
            text,
        };
        self.core
            .write((account, login, work), |tx, (account, login, work)| {
                async move {
                    if wants::end_login(tx, *account, *login).await? {
                        let work = NewWork::for_account(*account, work.clone());
                        tx.outbox().enqueue(work).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
    }

    /// Begins a comparison that was asked for, or answers with its result. Returns whether anything was done.
    async fn see_to_sync(&mut self, account: &Account) -> Result<bool, StoreError> {
        let Some(wanted) = wants::sync(&self.core.store, account.id).await? else {
            self.syncs.remove(&account.id);
            return Ok(false);
        };
        self.is_busy = true;
        let (name, under_way) = (&account.name, self.syncs.get_mut(&account.id));
        let told = match under_way.filter(|(asked, _)| *asked == wanted) {
            None => match self.desk.sync(account.id, None).await {
                Ok(answered) => {
                    self.syncs.insert(account.id, (wanted, answered));
                    return Ok(true);
                }
                Err(refusal) => format!("Not done: {refusal}."),
            },
            Some((_, answered)) => match answered.try_recv() {
                Ok(Synced { recovered: 0, .. }) => format!("{name} was compared with WhatsApp: nothing was missed."),
                Ok(Synced { recovered, .. }) => format!(
                    "{name} was compared with WhatsApp: {recovered} messages had been missed, and are stored now."
                ),
                Err(TryRecvError::Empty) => return Ok(false),
                // The account has ended meanwhile: asked again.
                Err(TryRecvError::Closed) => {
                    self.syncs.remove(&account.id);
                    return Ok(false);
                }
            },
        };
        self.syncs.remove(&account.id);
        self.end_sync(account.id, wanted, told).await?;
        Ok(true)
    }

    async fn end_sync(&self, account: AccountId, wanted: WantedSync, text: String) -> Result<(), StoreError> {
        let work = MatrixWork::Reply {
            room: wanted.room.clone(),
            event: wanted.event.clone(),
            text,
        };
        self.core
            .write((account, wanted, work), |tx, (account, wanted, work)| {
                async move {
                    if wants::end_sync(tx, *account, wanted).await? {
                        let work = NewWork::for_account(*account, work.clone());
                        tx.outbox().enqueue(work).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
    }

    async fn forget(&self, room: MatrixRoomId) -> Result<(), StoreError> {
        self.core
            .write(room, |tx, room| async move { gone::forget(tx, room).await }.boxed())
            .await
    }
}
