//! The one writer (rule 22): runs waiting closures one after the other in one transaction, and answers them after the
//! commit. So a hundred writes cost one sync of the disk, and none is reported too early. If one of them has to be undone,
//! all run again, each under a savepoint: that is rare, and a savepoint costs each closure two more statements.

use std::any::Any;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::contract::EventType;
use crate::domain::{Clock, Seq};

use super::condition::Condition;
use super::database::connect;
use super::database::failure::{Aftermath, Failure};
use super::database::file::OpenFile;
use super::database::session::Session;
use super::journal::tally::Tally;
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

/// Longest time that a closure waits in the queue. After it the caller is told that the database is busy, and the
/// closure is not run.
const MAX_QUEUED: Duration = Duration::from_secs(4);
/// Time after which a lost transaction is not run again.
const RUNS_AGAIN_FOR: Duration = Duration::from_secs(4);
/// Longest time of one transaction. The database's own limits end it earlier, unless the connection is dead.
const MAX_TRANSACTION: Duration = Duration::from_mins(1);
/// How often the closures of a group are lost together. After that each has a transaction of its own, so that they do
/// not block those of other processes again in the same order.
const MAX_LOST_TOGETHER: usize = 2;

/// A closure in the queue, without its types.
pub(super) trait Job: Send {
    /// Claims the closure, so that its caller waits until it is answered. Returns false if nobody waits for it.
    fn begin(&self) -> bool;

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
    claim: Arc<Claim>,
}

/// Records which side decides about a closure in the queue: the writer that runs it, or the caller that gives it up. Only the first of
/// the two succeeds, so a closure that was given up has no effect.
#[derive(Default)]
struct Claim(OnceLock<Claimant>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimant {
    Writer,
    Caller,
}

impl Claim {
    /// Returns whether `claimant` has the closure.
    fn is_won_by(&self, claimant: Claimant) -> bool {
        *self.0.get_or_init(|| claimant) == claimant
    }
}

impl<I, T, E, F> Job for Closure<I, T, E, F>
where
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    I: Send + Sync + 'static,
    T: Send,
    E: From<StoreError> + Send,
{
    fn begin(&self) -> bool {
        !self.answer.is_closed() && self.claim.is_won_by(Claimant::Writer)
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
    let (answer, mut answered) = oneshot::channel();
    let claim = Arc::<Claim>::default();
    let job = Closure {
        run: closure,
        input,
        outcome: None,
        answer,
        claim: Arc::clone(&claim),
    };
    let queued_until = Instant::now() + MAX_QUEUED;
    match timeout_at(queued_until, jobs.send(Box::new(job))).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(StoreError::Closed.into()),
        Err(_) => return Err(held_up().into()),
    }
    let outcome = match timeout_at(queued_until, &mut answered).await {
        Ok(outcome) => outcome,
        Err(_) if claim.is_won_by(Claimant::Caller) => return Err(held_up().into()),
        // It runs, so its outcome has to be known.
        Err(_) => answered.await,
    };
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(StoreError::Closed.into()),
    }
}

fn held_up() -> StoreError {
    StoreError::Busy("writes before this one take too long".to_owned())
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
    /// Whether the database takes writes.
    pub condition: Condition,
    /// Counts of committed events.
    pub tally: Tally,
    /// The file of a SQLite database.
    pub file: Option<OpenFile>,
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
        let until = Instant::now() + RUNS_AGAIN_FOR;
        let losses = if group.len() > 1 { MAX_LOST_TOGETHER } else { usize::MAX };
        if let Err(failure) = self.persist(&mut group, until, losses).await {
            if group.len() > 1 && failure.aftermath == Aftermath::Again {
                for alone in group.chunks_mut(1) {
                    if let Err(failure) = self.persist(alone, until, usize::MAX).await {
                        self.undo(alone, &failure);
                    }
                }
            } else {
                self.undo(&mut group, &failure);
            }
        }
        for job in group {
            job.answer();
        }
    }

    /// Tells all closures of a group that their changes were undone.
    fn undo(&self, group: &mut [Box<dyn Job>], failure: &Failure) {
        self.condition.failed(self.clock.now(), &failure.error);
        for job in group {
            job.undone(&failure.error);
        }
    }

    /// Runs a group until it is committed, at most until the time `until`. Fails with [`Aftermath::Again`] after
    /// `losses`, and with another aftermath when running it again is of no use.
    async fn persist(&self, group: &mut [Box<dyn Job>], until: Instant, losses: usize) -> Result<(), Failure> {
        let mut pauses = PAUSES.iter();
        let mut lost = 0;
        let mut guard = Guard::Nothing;
        loop {
            let attempt = timeout(MAX_TRANSACTION, self.attempt(group, guard)).await;
            let failure = match attempt.unwrap_or_else(|_| Err(unanswered().into())) {
                Ok(Committed { head, kinds, woken }) => {
                    self.tally.add(kinds);
                    if let Some(seq) = head {
                        journal::raise(&self.head, seq);
                    }
                    self.wake_ups.wake(&woken);
                    return Ok(());
                }
                Err(Ended::NeedsSavepoints) => {
                    guard = Guard::Savepoints;
                    continue;
                }
                Err(Ended::Failed(failure)) => failure,
            };
            let for_good = Failure {
                aftermath: Aftermath::Lost,
                error: failure.error.clone(),
            };
            if matches!(failure.error, StoreError::Unreachable(_)) && pauses.len() < PAUSES.len() {
                // The time for connecting is over already, so no retry follows.
                return Err(for_good);
            }
            if failure.aftermath != Aftermath::Again || Instant::now() >= until {
                return Err(for_good);
            }
            lost += 1;
            if lost >= losses {
                return Err(failure);
            }
            let Some(&pause) = pauses.next() else {
                return Err(for_good);
            };
            tracing::debug!("a transaction was lost and runs again: {}", failure.error);
            tokio::time::sleep(uneven(pause, lost)).await;
        }
    }

    /// Runs a group in one transaction.
    async fn attempt(&self, group: &mut [Box<dyn Job>], guard: Guard) -> Result<Committed, Ended> {
        if let Some(file) = &self.file {
            file.check().map_err(lost)?;
        }
        let mut outer = self
            .database
            .begin_with_options(connect::immediate())
            .await
            .map_err(|error| whole(&error))?;
        let mut told = Told::default();
        for job in group.iter_mut().filter(|job| job.begin()) {
            match guard {
                Guard::Nothing => outer = self.run_bare(outer, job.as_mut(), &mut told).await?,
                Guard::Savepoints => self.run_guarded(&outer, job.as_mut(), &mut told).await?,
            }
        }
        let Told { events, woken } = told;
        let kinds = events.iter().map(|entry| entry.event.kind()).collect();
        let head = journal::append(&outer, events).await.map_err(|error| whole(&error))?;
        outer.commit().await.map_err(|error| whole(&error))?;
        if let Some(file) = &self.file {
            // Nobody is told that a change is kept which is only in a file without a name.
            file.check_committed().map_err(lost)?;
        }
        Ok(Committed { head, kinds, woken })
    }

    /// Runs one closure in the transaction itself. Fails with [`Ended::NeedsSavepoints`] if its changes are not to be kept.
    async fn run_bare(
        &self,
        outer: DatabaseTransaction,
        job: &mut dyn Job,
        told: &mut Told,
    ) -> Result<DatabaseTransaction, Ended> {
        let mut tx = self.tx(outer);
        let keep = job.run(&mut tx).await;
        let is_unchanged = tx.session.is_unchanged();
        let (outer, failure) = told.take(tx, keep);
        match failure.map(|failure| (failure.aftermath, failure)) {
            None if keep || is_unchanged => Ok(outer),
            Some((Aftermath::Again | Aftermath::Lost, failure)) => Err(failure.into()),
            None | Some((Aftermath::Undo | Aftermath::Collision, _)) => Err(Ended::NeedsSavepoints),
        }
    }

    /// Runs one closure under a savepoint, again after a collision. Fails only when the whole transaction has failed.
    async fn run_guarded(
        &self,
        outer: &DatabaseTransaction,
        job: &mut dyn Job,
        told: &mut Told,
    ) -> Result<(), Failure> {
        for round in 1.. {
            let mut tx = self.tx(outer.begin().await.map_err(|error| whole(&error))?);
            let keep = job.run(&mut tx).await;
            let (savepoint, failure) = told.take(tx, keep);
            match failure {
                None if keep => return savepoint.commit().await.map_err(|error| whole(&error)),
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

    fn tx(&self, transaction: DatabaseTransaction) -> Tx {
        Tx {
            session: Session::new(transaction),
            now: self.clock.now(),
            events: Vec::new(),
            woken: Mutex::default(),
        }
    }
}

/// What holds the changes of a closure apart from those of the others in its group.
#[derive(Clone, Copy)]
enum Guard {
    /// Nothing: all are kept, or none.
    Nothing,
    Savepoints,
}

/// Why a group's transaction did not end in a commit.
enum Ended {
    /// The changes of one closure are to be undone, and those of the others are not.
    NeedsSavepoints,
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Events and wake-ups of the closures whose changes are kept.
#[derive(Default)]
struct Told {
    events: Vec<journal::Entry>,
    woken: BTreeSet<WorkFor>,
}

impl Told {
    /// Adds what a closure has told if its changes are kept. Returns its transaction, and the first failure in it.
    fn take(&mut self, tx: Tx, keep: bool) -> (DatabaseTransaction, Option<Failure>) {
        let Tx {
            session,
            now,
            events,
            woken,
        } = tx;
        let (transaction, failure) = session.into_parts();
        if keep && failure.is_none() {
            self.woken
                .extend(woken.into_inner().unwrap_or_else(PoisonError::into_inner));
            self.events
                .extend(events.into_iter().map(|event| journal::Entry { at: now, event }));
        }
        (transaction, failure)
    }
}

/// The failure of a transaction that would fail again.
const fn lost(error: StoreError) -> Failure {
    Failure {
        aftermath: Aftermath::Lost,
        error,
    }
}

/// The failure of a transaction that the database does not answer.
fn unanswered() -> Failure {
    lost(StoreError::Unreachable("it does not answer".to_owned()))
}

/// Lengthens a pause by up to its half, differently in each process, so that two that have blocked each other do not do
/// it again at the same time.
fn uneven(pause: Duration, lost: usize) -> Duration {
    let mut hash = DefaultHasher::new();
    (std::process::id(), lost).hash(&mut hash);
    let share = u32::try_from(hash.finish() % 64).unwrap_or(0);
    pause + pause * share / 128
}

/// Result of a group's transaction.
struct Committed {
    /// Number of the newest event, if the group wrote events.
    head: Option<Seq>,
    /// Types of the events that the group wrote.
    kinds: Vec<EventType>,
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
