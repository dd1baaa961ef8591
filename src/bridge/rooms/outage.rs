//! Watches whether the database takes writes, and tells the owner when it does not and when it does again. The beginning
//! is told past the outbox, because queueing a notice is a write itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bridge::core::Core;
use crate::domain::Timestamp;
use crate::domain::matrix::{Matrix, MatrixError, RoomContent, Speaker};
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, StoreError, Unwritable};

use super::management::wants::{self, Place};
use super::spec;
use super::txn::txn;

/// Interval between two looks while writes succeed. A write that fails wakes the watch at once.
const LOOK: Duration = Duration::from_secs(10);
/// Interval between two tries while they fail.
const TRY: Duration = Duration::from_secs(2);
/// Time after which the owner is told: a program that holds the database for some seconds is no trouble.
const TOLD_AFTER: Duration = Duration::from_secs(10);
/// Maximum time of one attempt to tell.
const TELL_WITHIN: Duration = Duration::from_secs(30);
/// Interval between two lines in the log about one outage.
const LOGGED_EVERY: Duration = Duration::from_mins(5);

/// The watch over the database.
pub struct OutageWatch {
    core: Core,
    port: Option<Arc<dyn Matrix>>,
    state: watch::Receiver<Option<Unwritable>>,
    outage: Option<Outage>,
}

/// Time in which the database takes no writes.
struct Outage {
    since: Timestamp,
    is_told: bool,
    logged_at: Timestamp,
}

impl OutageWatch {
    /// Builds the watch; `port` is the connection to the homeserver, if there is one.
    pub fn new(core: Core, port: Option<Arc<dyn Matrix>>) -> Self {
        let state = core.store.unwritable();
        Self {
            core,
            port,
            state,
            outage: None,
        }
    }

    /// Works until `stopping`.
    pub async fn run(mut self, stopping: CancellationToken) -> anyhow::Result<()> {
        let clock = Arc::clone(&self.core.clock);
        while !stopping.is_cancelled() {
            self.state.borrow_and_update();
            let pause = if self.outage.is_some() { TRY } else { LOOK };
            tokio::select! {
                _ = self.state.changed(), if self.outage.is_none() => {}
                () = clock.sleep(pause) => {}
                () = stopping.cancelled() => return Ok(()),
            }
            tokio::select! {
                () = self.look() => {}
                () = stopping.cancelled() => return Ok(()),
            }
        }
        Ok(())
    }

    /// Tries whether the database takes writes, and logs and tells a change.
    pub async fn look(&mut self) {
        let now = self.core.clock.now();
        match (self.core.store.check_writable().await, self.outage.take()) {
            (Ok(()), None) | (Err(StoreError::Closed), _) => {}
            (Ok(()), Some(outage)) => self.end(&outage, now).await,
            (Err(error), None) => {
                let known = self.core.store.unwritable();
                let since = known.borrow().as_ref().map_or(now, |state| state.since);
                tracing::error!("nothing can be written: {error}");
                let outage = Outage {
                    since,
                    is_told: false,
                    logged_at: now,
                };
                self.outage = Some(self.go_on(outage, &error, now).await);
            }
            (Err(error), Some(mut outage)) => {
                if now.since(outage.logged_at) >= LOGGED_EVERY {
                    tracing::error!(since = %outage.since, "still nothing can be written: {error}");
                    outage.logged_at = now;
                }
                self.outage = Some(self.go_on(outage, &error, now).await);
            }
        }
    }

    /// Tells the owner of an outage once it has lasted.
    async fn go_on(&self, outage: Outage, error: &StoreError, now: Timestamp) -> Outage {
        if outage.is_told || now.since(outage.since) < TOLD_AFTER {
            return outage;
        }
        let told = tokio::time::timeout(TELL_WITHIN, self.tell(outage.since, error)).await;
        match told {
            Ok(Ok(())) => {
                return Outage {
                    is_told: true,
                    ..outage
                };
            }
            Ok(Err(why)) => tracing::warn!("the owner could not be told that nothing can be written: {why}"),
            Err(_) => tracing::warn!("the owner could not be told in time that nothing can be written"),
        }
        outage
    }

    /// Sends the notice of the beginning. A repeat is the same event (rule 18).
    async fn tell(&self, since: Timestamp, error: &StoreError) -> Result<(), MatrixError> {
        let Some(port) = &self.port else { return Ok(()) };
        let content = RoomContent::Notice {
            body: format!(
                "Nothing can be written since {since}: {error}. What is written to customers is refused meanwhile; what \
                 customers write waits in WhatsApp."
            ),
            reply_to: None,
        };
        // The managers' room alone if it exists: no other can be made or stored now. Else the owner is told.
        let room = match (wants::place_in(&self.core.store).await, &self.core.policy.owner) {
            (Ok(Place::Room(room)), _) => room,
            (_, Some(owner)) => port.ensure_room(&spec::trouble(&self.core, owner)).await?,
            (_, None) => return Ok(()),
        };
        let txn = txn(&self.core.instance, &format!("outage{}.0", since.0));
        port.send(&room, &Speaker::Desk, &txn, &content).await.map(drop)
    }

    /// Tells the owner that the outage is over, even if its beginning could not be told.
    async fn end(&mut self, outage: &Outage, now: Timestamp) {
        tracing::info!(since = %outage.since, "the database takes writes again");
        if !outage.is_told && now.since(outage.since) < TOLD_AFTER {
            return;
        }
        let text = format!(
            "From {} to {now} nothing could be written to the database. It takes writes again: what waited comes in, and \
             nothing that was accepted is lost.",
            outage.since
        );
        if let Err(error) = self.queue(text).await {
            tracing::warn!("the end of an outage could not be queued for the owner: {error}");
        }
    }

    async fn queue(&self, text: String) -> Result<(), StoreError> {
        let accounts = self.core.store.accounts().present().await?;
        let Some(account) = accounts.first().filter(|_| self.core.policy.matrix) else {
            return Ok(());
        };
        let owner = self.core.policy.owner.clone();
        let work = MatrixWork::Trouble {
            owner,
            key: "database".to_owned(),
            text,
            ends: true,
        };
        self.core
            .write(NewWork::for_account(account.id, work), |tx, work| {
                async move { tx.outbox().enqueue(work.clone()).await.map(|_| ()) }.boxed()
            })
            .await
    }
}
