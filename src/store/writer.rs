//! The one writer (rule 22): runs waiting closures one after the other in one transaction, each under a savepoint, and
//! answers them after the commit. So a hundred writes cost one sync of the disk, and none is reported too early.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::{Clock, Seq};

use super::database::connect;
use super::database::failure::{Aftermath, Failure};
use super::database::session::Session;
use super::wake_up::{WakeUps, WorkFor};
use super::{StoreError, Tx, journal};

/// Most closures that wait in the queue; further callers wait for a place in it.
pub(super) const MAX_WAITING: usize = 1024;
/// Most closures committed together.
const MAX_GROUP: usize = 128;
/// How often a closure runs because another process wrote the same key.
const MAX_COLLISIONS: u32 = 3;
/// Pauses before a lost transaction runs again. After the last one its closures fail.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
];

/// A closure in the queue, without its types.
pub(super) trait Job: Send {
    /// Returns whether nobody waits for the answer any more.
    fn is_unwanted(&self) -> bool;

    /// Runs the closure. Returns whether its changes are to be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;

    /// Tells the closure that its changes were undone, and why. A failure of its own is kept.
    fn undone(&mut self, why: &StoreError);

    /// Sends the answer.
    fn answer(self: Box<Self>);
}

/// Result of a closure, or its panic.
type Outcome<T, E> = Result<Result<T, E>, Box<dyn Any + Send>>;

/// A closure, and the input that it is lent on each run.
struct Closure<I, T, E, F> {
    run: F,
    input: I,
    outcome: Option<Outcome<T, E>>,
    answer: oneshot::Sender<Outcome<T, E>>,
}

impl<I, T, E, F> Job for Closure<I, T, E, F>
where
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    I: Send + Sync + 'static,
    T: Send,
    E: From<StoreError> + Send,
{
    fn is_unwanted(&self) -> bool {
        self.answer.is_closed()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        async move {
            let outcome = AssertUnwindSafe((self.run)(tx, &self.input)).catch_unwind().await;
            let keep = matches!(outcome, Ok(Ok(_)));
            self.outcome = Some(outcome);
            keep
        }
        .boxed()
    }

    fn undone(&mut self, why: &StoreError) {
        if !matches!(self.outcome, Some(Ok(Err(_)) | Err(_))) {
            self.outcome = Some(Ok(Err(why.clone().into())));
        }
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            let _ = self.answer.send(outcome);
        }
    }
}

/// Sends a closure and its input to the writer and waits for the answer.
pub(super) async fn submit<I, T, E, F>(jobs: &mpsc::Sender<Box<dyn Job>>, input: I, closure: F) -> Result<T, E>
where
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let job = Closure {
        run: closure,
        input,
        outcome: None,
        answer,
    };
    if jobs.send(Box::new(job)).await.is_err() {
        return Err(StoreError::Closed.into());
    }
    match answered.await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(StoreError::Closed.into()),
    }
}

/// The task that owns the writing connection.
pub(super) struct Writer {
    /// The writing connection.
    pub database: DatabaseConnection,
    /// Closures in the queue.
    pub jobs: mpsc::Receiver<Box<dyn Job>>,
    /// Source of the time of each closure.
    pub clock: Arc<dyn Clock>,
    /// Newest event, raised after each commit with events.
    pub head: watch::Sender<Seq>,
    /// Workers to wake after a commit.
    pub wake_ups: WakeUps,
    /// Cancelled when no more closures are accepted.
    pub closing: CancellationToken,
}

impl Writer {
    /// Works until everything that was accepted before `closing` is committed.
    pub(super) async fn run(mut self) {
        loop {
            let first = tokio::select! {
                biased;
                job = self.jobs.recv() => job,
                () = self.closing.cancelled(), if !self.jobs.is_closed() => {
                    self.jobs.close();
                    continue;
                }
            };
            let Some(first) = first else { return };
            let mut group = vec![first];
            while group.len() < MAX_GROUP
                && let Ok(job) = self.jobs.try_recv()
            {
                group.push(job);
            }
            self.commit(group).await;
        }
    }

    /// Commits a group, with retries, and answers it.
    async fn commit(&self, mut group: Vec<Box<dyn Job>>) {
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match self.attempt(&mut group).await {
                Ok(Committed { head, woken }) => {
                    if let Some(seq) = head {
                        journal::raise(&self.head, seq);
                    }
                    self.wake_ups.wake(&woken);
                    break;
                }
                Err(failure) => failure,
            };
            if matches!(failure.error, StoreError::Unreachable(_)) && pauses.len() < PAUSES.len() {
                // The time for connecting is over already, so no retry follows.
                pauses = [].iter();
            }
            let again = (failure.aftermath == Aftermath::Again).then(|| pauses.next()).flatten();
            let Some(pause) = again else {
                for job in &mut group {
                    job.undone(&failure.error);
                }
                break;
            };
            tracing::debug!("a transaction was lost and runs again: {}", failure.error);
            tokio::time::sleep(*pause).await;
        }
        for job in group {
            job.answer();
        }
    }

    /// Runs a group in one transaction.
    async fn attempt(&self, group: &mut [Box<dyn Job>]) -> Result<Committed, Failure> {
        let outer = self
            .database
            .begin_with_options(connect::immediate())
            .await
            .map_err(|error| whole(&error))?;
        let (mut events, mut woken) = (Vec::new(), BTreeSet::new());
        for job in group.iter_mut().filter(|job| !job.is_unwanted()) {
            self.run_one(&outer, job.as_mut(), &mut events, &mut woken).await?;
        }
        let head = journal::append(&outer, events).await.map_err(|error| whole(&error))?;
        outer.commit().await.map_err(|error| whole(&error))?;
        Ok(Committed { head, woken })
    }

    /// Runs one closure under a savepoint, again after a collision. Fails only when the whole transaction has failed.
    async fn run_one(
        &self,
        outer: &DatabaseTransaction,
        job: &mut dyn Job,
        events: &mut Vec<journal::Entry>,
        woken: &mut BTreeSet<WorkFor>,
    ) -> Result<(), Failure> {
        for round in 1.. {
            let mut tx = Tx {
                session: Session::new(outer.begin().await.map_err(|error| whole(&error))?),
                now: self.clock.now(),
                events: Vec::new(),
                woken: Mutex::default(),
            };
            let keep = job.run(&mut tx).await;
            let Tx {
                session,
                now,
                events: told,
                woken: to_wake,
            } = tx;
            let (savepoint, failure) = session.into_parts();
            match failure {
                None if keep => {
                    savepoint.commit().await.map_err(|error| whole(&error))?;
                    woken.extend(to_wake.into_inner().unwrap_or_else(PoisonError::into_inner));
                    events.extend(told.into_iter().map(|event| journal::Entry { at: now, event }));
                    return Ok(());
                }
                None => return savepoint.rollback().await.map_err(|error| whole(&error)),
                Some(failure) => match failure.aftermath {
                    Aftermath::Again | Aftermath::Lost => return Err(failure),
                    Aftermath::Collision if round < MAX_COLLISIONS => {
                        savepoint.rollback().await.map_err(|error| whole(&error))?;
                    }
                    Aftermath::Collision | Aftermath::Undo => {
                        job.undone(&failure.error);
                        return savepoint.rollback().await.map_err(|error| whole(&error));
                    }
                },
            }
        }
        Ok(())
    }
}

/// Result of a group's transaction.
struct Committed {
    /// Number of the newest event, if the group wrote events.
    head: Option<Seq>,
    woken: BTreeSet<WorkFor>,
}

/// Returns the failure of the transaction itself, outside the closures: it is lost, whatever the error is.
fn whole(error: &DbErr) -> Failure {
    let failure = Failure::from(error);
    let aftermath = match failure.aftermath {
        Aftermath::Undo | Aftermath::Collision => Aftermath::Lost,
        other => other,
    };
    Failure { aftermath, ..failure }
}
