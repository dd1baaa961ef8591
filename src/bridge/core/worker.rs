//! The loop of every worker: arm the wake-ups, do a step, and wait when there was nothing to do. The wake-ups are armed
//! before the step queries, so that one that comes during the step is not missed; a lost one costs one poll interval.

use std::future::{self, Future};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::select_all;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

use super::Core;

/// Pause after an error, before the worker tries again.
const PAUSE: Duration = Duration::from_secs(1);

/// Result of a worker's step. The simulation and the tests run a worker until it is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was done; there may be more.
    Worked,
    /// Nothing was begun; the pieces in hand continue.
    Busy,
    /// There was nothing to do.
    Idle,
}

/// Background work that is done in steps.
pub trait Worker: Send + 'static {
    /// Whether a step that has begun is finished when the program stops. Otherwise it is dropped wherever it waits, as
    /// a crash would end it.
    const FINISHES_STEPS: bool = false;

    /// Names the work, for the log: "the … failed".
    fn name(&self) -> &'static str;

    /// Returns the context of the worker.
    fn core(&self) -> &Core;

    /// Returns the sources that wake the idle worker.
    fn wakes(&self) -> Wakes {
        Wakes::none()
    }

    /// Returns how long an idle worker waits for a wake-up before its next step; zero when the step itself has waited.
    fn poll(&self) -> Duration;

    /// Does one piece of work, if there is any.
    fn step(&mut self) -> impl Future<Output = Result<Progress, StoreError>> + Send;

    /// Waits between two steps, also when there is more to do; by default not at all.
    fn between(&mut self, _last: Progress) -> impl Future<Output = ()> + Send {
        future::ready(())
    }

    /// Finishes the work in hand when the program stops.
    fn drain(&mut self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }
}

/// Runs a worker until `stopping`. Fails only when the lease is lost to another process (rule 26); other errors are
/// logged and retried.
pub(crate) async fn run<W: Worker>(mut worker: W, stopping: CancellationToken) -> anyhow::Result<()> {
    let mut wakes = worker.wakes();
    let clock = worker.core().clock.clone();
    while !stopping.is_cancelled() {
        wakes.arm();
        let step = if W::FINISHES_STEPS {
            worker.step().await
        } else {
            tokio::select! {
                step = worker.step() => step,
                () = stopping.cancelled() => break,
            }
        };
        let pause = async {
            match step {
                Ok(last) => {
                    let poll = worker.poll();
                    if last != Progress::Worked && !poll.is_zero() {
                        tokio::select! {
                            () = wakes.woken() => {}
                            () = clock.sleep(poll) => {}
                        }
                    }
                    worker.between(last).await;
                    Ok(())
                }
                Err(error @ StoreError::LeaseLost(_)) => Err(error),
                Err(error) => {
                    let account = worker.core().account().map(tracing::field::display);
                    tracing::error!(account, "the {} failed, trying again: {error}", worker.name());
                    clock.sleep(PAUSE).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            done = pause => done?,
            () = stopping.cancelled() => {}
        }
    }
    worker.drain().await;
    Ok(())
}

/// Sources of wake-ups of one worker.
#[derive(Default)]
pub struct Wakes(Vec<Box<dyn Wake>>);

impl Wakes {
    /// Returns an empty set: it never wakes.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a source of wake-ups.
    #[must_use]
    pub fn and(mut self, source: impl Wake + 'static) -> Self {
        self.0.push(Box::new(source));
        self
    }

    /// Clears earlier wake-ups; each later one ends [`Self::woken`].
    pub fn arm(&mut self) {
        for source in &mut self.0 {
            source.arm();
        }
    }

    /// Waits for a wake-up that came since the last [`Self::arm`].
    pub async fn woken(&mut self) {
        if self.0.is_empty() {
            return future::pending().await;
        }
        select_all(self.0.iter_mut().map(|source| source.woken())).await;
    }
}

/// A source of wake-ups.
#[async_trait]
pub trait Wake: Send {
    /// Clears earlier wake-ups.
    fn arm(&mut self);

    /// Waits for a wake-up.
    async fn woken(&mut self);
}

#[async_trait]
impl<T: Send + Sync> Wake for watch::Receiver<T> {
    fn arm(&mut self) {
        self.mark_unchanged();
    }

    async fn woken(&mut self) {
        if self.changed().await.is_err() {
            // The sender is gone, so no wake-up can come any more.
            future::pending::<()>().await;
        }
    }
}

/// `arm` does not clear an earlier wake-up, which then costs one step that finds nothing.
#[async_trait]
impl Wake for Arc<Notify> {
    fn arm(&mut self) {}

    async fn woken(&mut self) {
        self.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::core::testing;
    use crate::domain::outbox::WhatsAppWork;
    use crate::domain::{AccountId, MessageId};
    use crate::store::{NewWork, Store, WorkFor};
    use crate::supervisor::Supervisor;

    /// Counts its steps, each of which would ask the database.
    struct Counting {
        core: Core,
        account: AccountId,
        steps: watch::Sender<u32>,
    }

    impl Worker for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn core(&self) -> &Core {
            &self.core
        }

        fn wakes(&self) -> Wakes {
            Wakes::none().and(self.core.store.wake_ups(WorkFor::WhatsApp(self.account)))
        }

        fn poll(&self) -> Duration {
            Duration::from_hours(1)
        }

        async fn step(&mut self) -> Result<Progress, StoreError> {
            self.steps.send_modify(|steps| *steps += 1);
            Ok(Progress::Idle)
        }
    }

    async fn account(store: &Store, name: &'static str) -> AccountId {
        let made = store.write::<_, _, StoreError, _>(name, |tx, &name| {
            Box::pin(async move { tx.accounts().create(name).await })
        });
        made.await.unwrap().id
    }

    async fn enqueue(store: &Store, account: AccountId) {
        let enqueued = store.write::<_, _, StoreError, _>(account, |tx, &account| {
            Box::pin(async move {
                let work = NewWork::for_account(account, WhatsAppWork::SendMessage { message: MessageId(1) });
                tx.outbox().enqueue(work).await
            })
        });
        enqueued.await.unwrap();
    }

    #[tokio::test]
    async fn write_for_one_account_wakes_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let core = testing::core(folder.path()).await;
        let store = core.store.clone();
        let (busy, calm) = (account(&store, "busy").await, account(&store, "calm").await);
        let tasks = Supervisor::new();
        let [mut of_busy, mut of_calm] = [busy, calm].map(|account| {
            let (steps, counted) = watch::channel(0);
            let core = core.clone();
            tasks.spawn("counting", run(Counting { core, account, steps }, tasks.stopping()));
            counted
        });
        of_busy.wait_for(|steps| *steps == 1).await.unwrap();
        of_calm.wait_for(|steps| *steps == 1).await.unwrap();
        for n in 2..12 {
            enqueue(&store, busy).await;
            of_busy.wait_for(|steps| *steps == n).await.unwrap();
        }
        enqueue(&store, calm).await;
        of_calm.wait_for(|steps| *steps > 1).await.unwrap();
        assert_eq!(
            (*of_busy.borrow(), *of_calm.borrow()),
            (11, 2),
            "a step for each write of one's own"
        );
        assert!(tasks.shutdown(Duration::from_secs(5)).await);
        store.close().await;
    }
}
