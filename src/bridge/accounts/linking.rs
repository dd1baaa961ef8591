//! Links and unlinks an account's device, as requested in its row. A request stays in the row until it is done or has
//! failed, so a crash only repeats it; a newer request replaces an older one. No caller waits for the browser: the
//! session shows the codes, and the account's handle shows why a request failed.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::Core;
use crate::bridge::core::worker::{Progress, Wakes, Worker};
use crate::domain::AccountId;
use crate::domain::linking::{LinkChange, WantedLink};
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{Unreachable, WhatsApp};
use crate::store::{StoreError, WorkFor};

/// Age at which a request expires: the person who made it is no longer waiting.
const WANTED_FOR: Duration = Duration::from_mins(10);
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_secs(5);

/// Worker that links, unlinks and takes over the device of one account.
pub struct Linking {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    /// Changes when another request is stored.
    asked: watch::Receiver<()>,
    /// Why the last request failed.
    failed: watch::Sender<Option<String>>,
}

impl Linking {
    /// Builds the worker of `account`; `port` is the account's connection to WhatsApp.
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>) -> Self {
        Self {
            asked: core.store.wake_ups(WorkFor::Linking(account)),
            core,
            account,
            port,
            failed: watch::Sender::new(None),
        }
    }

    /// Returns the channel that holds why the last request failed; `None` while it has not.
    pub fn failed(&self) -> watch::Sender<Option<String>> {
        self.failed.clone()
    }

    fn state(&self) -> SessionState {
        self.port.session().borrow().state
    }

    async fn bring_about(&self, change: &LinkChange) -> Result<(), Unreachable> {
        match change {
            LinkChange::Login(method) => self.port.login(method.clone()).await,
            // No device is linked, so there is nothing to unlink.
            LinkChange::Logout if !self.state().has_device() => Ok(()),
            LinkChange::Logout => self.port.logout().await,
            LinkChange::TakeOver if self.state().is_live() => Ok(()),
            LinkChange::TakeOver => self.port.take_over().await,
        }
    }

    async fn end(&self, wanted: &WantedLink) -> Result<(), StoreError> {
        let (account, at) = (self.account, wanted.at);
        self.core
            .write((account, at), |tx, &(account, at)| {
                async move { tx.accounts().end_wanted_link(account, at).await.map(|_| ()) }.boxed()
            })
            .await
    }

    async fn give_up(&self, wanted: &WantedLink, why: String) -> Result<(), StoreError> {
        tracing::warn!(account = %self.account, "the {} that was asked for failed: {why}", wanted.change.word());
        self.failed.send_replace(Some(why));
        self.end(wanted).await
    }
}

impl Worker for Linking {
    fn name(&self) -> &'static str {
        "linking of a device"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        let asked = self.core.store.wake_ups(WorkFor::Linking(self.account));
        Wakes::none().and(asked).and(self.port.session())
    }

    fn poll(&self) -> Duration {
        POLL
    }

    /// Carries out the request in the row once the page is ready. Gives it up when it is older than `WANTED_FOR`.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        self.asked.mark_unchanged();
        let mut asked = self.asked.clone();
        let Some(wanted) = self.core.store.accounts().wanted_link(self.account).await? else {
            return Ok(Progress::Idle);
        };
        if self.core.clock.now().since(wanted.at) > WANTED_FOR {
            let why = "WhatsApp Web was not ready in time; see `crm status`, then try again";
            self.give_up(&wanted, why.to_owned()).await?;
            return Ok(Progress::Worked);
        }
        if !is_there(self.state()) {
            return Ok(Progress::Idle);
        }
        // So that the reason of an earlier failure is not taken for that of this request.
        self.failed.send_replace(None);
        let mut change = pin!(self.bring_about(&wanted.change));
        let done = loop {
            tokio::select! {
                done = &mut change => break done,
                // A newer request replaces this one, which is dropped half-way. The wake-up may also be that of this one: it comes
                // a moment after the row.
                _ = asked.changed() => {
                    if self.core.store.accounts().wanted_link(self.account).await?.as_ref() != Some(&wanted) {
                        return Ok(Progress::Worked);
                    }
                }
            }
        };
        match done {
            Ok(()) => self.end(&wanted).await?,
            // The page went away meanwhile: the request stays in the row and is repeated once the page is back.
            Err(_) if !is_there(self.state()) => return Ok(Progress::Idle),
            Err(Unreachable(why)) => self.give_up(&wanted, why).await?,
        }
        Ok(Progress::Worked)
    }
}

/// Returns whether there is a page that can serve a request.
const fn is_there(state: SessionState) -> bool {
    !matches!(
        state,
        SessionState::Starting | SessionState::Failed | SessionState::Mismatch
    )
}
