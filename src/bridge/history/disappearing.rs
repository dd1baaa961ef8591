//! Disappearing messages: when the timer of a message ends, its content is removed from its row and from the journal,
//! a deletion is emitted, and its room loses it too. The due time is in the row, so a restart loses no timer. While the
//! page was away, people may have kept a message: what came due meanwhile waits for the page, for a bounded time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, Progress, notice};
use crate::bridge::inbound::changes;
use crate::contract::Event;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{ReadError, Unreachable, WhatsApp};
use crate::domain::{AccountId, MessageId, Timestamp};
use crate::store::StoreError;

/// Upper bound of the messages emptied in one step.
const BATCH: u64 = 100;
/// How often the worker looks for due messages.
const EVERY: Duration = Duration::from_secs(5);
/// How long due messages wait for a page that is away, and for how long the page is asked about each when it is back.
const WAITS_FOR_PAGE: Duration = Duration::from_hours(1);

/// Worker that empties the due disappearing messages of one account.
pub struct DisappearingWorker {
    core: Core,
    account: AccountId,
    /// The account's page; `None` where nothing more is told.
    page: Option<Page>,
}

/// The page that tells which messages people keep.
struct Page {
    port: Arc<dyn WhatsApp>,
    /// [`crate::domain::session::Session::resync`] of the last completed comparison.
    resynced: watch::Receiver<u64>,
    /// Whether it is there, and compared.
    is_heard: bool,
    /// Since when it is that.
    since: Timestamp,
}

/// Treatment of due messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// They wait for the page.
    Wait,
    /// The page is asked about each.
    Ask,
    /// They are emptied.
    Empty,
}

impl Page {
    /// Returns how due messages are treated at `now`. A comparison finds what was kept of the last days only, so for
    /// some time after it the page is asked about each. Both end, or a page that never answers would keep them for ever.
    fn treatment(&mut self, now: Timestamp) -> Treatment {
        let is_heard = self.tells_all();
        // Also if the clock was set back.
        if is_heard != self.is_heard || now < self.since {
            self.is_heard = is_heard;
            self.since = now;
        }
        if now.since(self.since) >= WAITS_FOR_PAGE {
            Treatment::Empty
        } else if is_heard {
            Treatment::Ask
        } else {
            Treatment::Wait
        }
    }

    fn tells_all(&self) -> bool {
        let session = self.port.session();
        let session = session.borrow();
        session.state == SessionState::Ready && *self.resynced.borrow() >= session.resync
    }
}

impl DisappearingWorker {
    /// Builds the worker of `account`, which waits for no page.
    pub const fn new(core: Core, account: AccountId) -> Self {
        Self {
            core,
            account,
            page: None,
        }
    }

    /// Returns this worker with the account's page, for which due messages wait. `resynced`: number of the last
    /// completed comparison.
    #[must_use]
    pub fn hearing(self, port: Arc<dyn WhatsApp>, resynced: watch::Receiver<u64>) -> Self {
        let page = Page {
            port,
            resynced,
            is_heard: false,
            since: self.core.clock.now(),
        };
        Self {
            page: Some(page),
            ..self
        }
    }

    /// Asks the page about a due message, and stores what has changed, so that one that people keep is not due any
    /// more. Returns `false` if the page could not say.
    async fn ask(&self, id: MessageId) -> Result<bool, StoreError> {
        let of = self.core.store.messages().reference(id).await?;
        let (Some(page), Some(of)) = (&self.page, of) else {
            return Ok(true);
        };
        let told = match page.port.message(&of).await {
            Ok(Some(told)) => told,
            // What the page does not have, or cannot read, nobody keeps there.
            Ok(None) | Err(ReadError::Unreadable(_)) => return Ok(true),
            Err(ReadError::Unreachable(Unreachable(why))) => {
                tracing::debug!(message = %id, "the page was not there to say whether a message is kept: {why}");
                return Ok(false);
            }
        };
        self.core
            .write_with((self.account, told), |tx, core, (account, told)| {
                async move {
                    let Some(account) = tx.accounts().get(*account).await? else {
                        return Ok(());
                    };
                    changes::reconcile_known(tx, &core.policy, &account, told).await
                }
                .boxed()
            })
            .await?;
        Ok(true)
    }

    /// Empties a message that is still due at `now`.
    async fn empty(&self, id: MessageId, now: Timestamp) -> Result<(), StoreError> {
        self.core
            .write_with((id, now), |tx, core, &(id, now)| {
                async move {
                    if !tx.messages().is_due_to_disappear(id, now).await? {
                        return Ok::<_, StoreError>(());
                    }
                    let gone = tx.messages().empty(id).await?;
                    tx.emit(Event::message_deleted(&gone));
                    // The room loses it by a row of the outbox, so a crash or an outage only delays that.
                    notice::show_end(tx, &core.policy, &gone).await?;
                    tx.cards().ask(gone.account_id, gone.conversation_id).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

impl Worker for DisappearingWorker {
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "removal of disappearing messages"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn poll(&self) -> Duration {
        EVERY
    }

    /// Empties up to `BATCH` due messages, each in its own transaction, so that other writes come in between.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        let treatment = self.page.as_mut().map_or(Treatment::Empty, |page| page.treatment(now));
        if treatment == Treatment::Wait {
            return Ok(Progress::Idle);
        }
        let store = &self.core.store;
        let due = store.messages().due_to_disappear(self.account, now, BATCH).await?;
        if due.is_empty() || store.clock_doubted_until().await?.is_some() {
            return Ok(Progress::Idle);
        }
        for id in due {
            if treatment == Treatment::Ask && !self.ask(id).await? {
                return Ok(Progress::Idle);
            }
            self.empty(id, now).await?;
        }
        Ok(Progress::Worked)
    }
}
