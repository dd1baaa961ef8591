//! Works on several pieces concurrently, so that one that waits for the network delays no other. The pieces in hand are
//! kept in memory only: after a crash the store yields them again.
//!
//! Each piece runs in a task of its own. (A future that this worker polled only now and then could hold the database
//! connection that the worker itself waits for.) A panic in a piece becomes a panic of the worker, so that its
//! supervisor sees it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::StoreError;
use crate::supervisor::Supervisor;

use super::Core;
use super::worker::{Progress, Wakes, Worker};

/// How long a piece whose result could not be stored stays in hand before it may start again.
const PAUSE: Duration = Duration::from_secs(1);

/// Work that comes in pieces, several of which may be in hand at once.
pub trait Pieces: Clone + Send + Sync + 'static {
    /// One unit of work.
    type Piece: Send + Sync + 'static;

    /// The pieces in hand, in the form that [`Self::due`] needs.
    type InHand: InHand<Self::Piece>;

    /// Upper bound of the pieces in hand.
    const AT_ONCE: usize;

    /// Whether the pieces in hand are finished when the program stops. Otherwise they are dropped, as by a crash.
    const FINISHES: bool;

    /// As [`Worker::name`].
    fn name(&self) -> &'static str;

    /// As [`Worker::core`].
    fn core(&self) -> &Core;

    /// As [`Worker::wakes`].
    fn wakes(&self) -> Wakes;

    /// As [`Worker::poll`].
    fn poll(&self) -> Duration;

    /// Returns at most `limit` pieces that can be worked on now, beside those in hand.
    fn due(
        &self,
        in_hand: &Self::InHand,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Self::Piece>, StoreError>> + Send;

    /// Does one piece and stores the result.
    fn work(&self, piece: &Self::Piece) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Set of the pieces in hand.
pub trait InHand<P>: Default + Send + Sync {
    /// Adds a piece. Returns `false`, and adds nothing, if it conflicts with one in hand.
    fn take(&mut self, piece: &P) -> bool;

    /// Removes a piece whose work has ended.
    fn put_back(&mut self, piece: &P);
}

/// Outcome of the work on a piece: its result, or its panic.
type End = Result<Result<(), StoreError>, Box<dyn Any + Send>>;

/// Worker with several pieces in hand. Dropping it drops them.
pub struct Lanes<P: Pieces> {
    pieces: P,
    tasks: Supervisor,
    in_hand: P::InHand,
    /// Number of pieces in hand.
    count: usize,
    ended: mpsc::Receiver<(P::Piece, End)>,
    hands: Hands<P>,
    _drop: DropGuard,
}

/// The worker's channels, as its tasks hold them.
struct Hands<P: Pieces> {
    end: mpsc::Sender<(P::Piece, End)>,
    /// Notified when a piece has ended.
    bell: Arc<Notify>,
    dropped: CancellationToken,
}

impl<P: Pieces> Clone for Hands<P> {
    fn clone(&self) -> Self {
        Self {
            end: self.end.clone(),
            bell: Arc::clone(&self.bell),
            dropped: self.dropped.clone(),
        }
    }
}

impl<P: Pieces> Lanes<P> {
    /// Works on `pieces`, each in a task of `tasks`.
    pub fn new(pieces: P, tasks: &Supervisor) -> Self {
        let (end, ended) = mpsc::channel(P::AT_ONCE);
        let dropped = CancellationToken::new();
        Self {
            pieces,
            tasks: tasks.clone(),
            in_hand: P::InHand::default(),
            count: 0,
            ended,
            _drop: dropped.clone().drop_guard(),
            hands: Hands {
                end,
                bell: Arc::default(),
                dropped,
            },
        }
    }

    /// Returns once a piece in hand has ended; at once when none is in hand.
    pub async fn one_ended(&self) {
        while self.count > 0 && self.ended.is_empty() {
            self.hands.bell.notified().await;
        }
    }

    fn begin(&mut self, piece: P::Piece) {
        self.count += 1;
        let (pieces, hands) = (self.pieces.clone(), self.hands.clone());
        self.tasks.spawn_short(pieces.name(), async move {
            let work = async {
                let end = AssertUnwindSafe(pieces.work(&piece)).catch_unwind().await;
                if let Ok(Err(error)) = &end
                    && !matches!(error, StoreError::LeaseLost(_))
                {
                    tracing::error!(
                        "{}: the result of a piece could not be stored, trying again: {error}",
                        pieces.name()
                    );
                    pieces.core().clock.sleep(PAUSE).await;
                }
                (piece, end)
            };
            tokio::select! {
                biased;
                () = hands.dropped.cancelled() => {}
                ended = work => {
                    // The channel's capacity is `AT_ONCE`, so this never fails for lack of room.
                    let _ = hands.end.try_send(ended);
                    hands.bell.notify_one();
                }
            }
        });
    }

    fn put_back(&mut self, (piece, end): (P::Piece, End)) -> Result<(), StoreError> {
        self.in_hand.put_back(&piece);
        self.count -= 1;
        match end {
            Err(panic) => resume_unwind(panic),
            Ok(Err(error @ StoreError::LeaseLost(_))) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

impl<P: Pieces> Worker for Lanes<P> {
    fn name(&self) -> &'static str {
        self.pieces.name()
    }

    fn core(&self) -> &Core {
        self.pieces.core()
    }

    fn wakes(&self) -> Wakes {
        self.pieces.wakes().and(Arc::clone(&self.hands.bell))
    }

    fn poll(&self) -> Duration {
        self.pieces.poll()
    }

    /// Removes the pieces that have ended and begins those that are due. Waits for no piece.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let mut progress = Progress::Idle;
        while let Ok(ended) = self.ended.try_recv() {
            progress = Progress::Worked;
            self.put_back(ended)?;
        }
        let free = P::AT_ONCE.saturating_sub(self.count);
        if free > 0 {
            for piece in self.pieces.due(&self.in_hand, free).await? {
                if self.in_hand.take(&piece) {
                    progress = Progress::Worked;
                    self.begin(piece);
                }
            }
        }
        if progress == Progress::Idle && self.count > 0 {
            return Ok(Progress::Busy);
        }
        Ok(progress)
    }

    async fn drain(&mut self) {
        while P::FINISHES
            && self.count > 0
            && let Some(ended) = self.ended.recv().await
        {
            if let Err(error) = self.put_back(ended) {
                tracing::warn!("{}: {error}", self.pieces.name());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    use tokio::sync::oneshot;

    use super::*;
    use crate::bridge::core::testing;

    /// Numbers below `count`, each done once it is let go.
    #[derive(Clone)]
    struct Numbers {
        core: Core,
        count: u32,
        done: Arc<Mutex<Vec<u32>>>,
        waiting: Arc<Mutex<HashMap<u32, oneshot::Sender<()>>>>,
        /// How many were dropped half-way.
        dropped: Arc<Mutex<Vec<u32>>>,
    }

    /// Notes the number of a piece that is dropped before it is done.
    struct HalfWay<'a>(&'a Numbers, u32);

    impl Drop for HalfWay<'_> {
        fn drop(&mut self) {
            if !locked(&self.0.done).contains(&self.1) {
                locked(&self.0.dropped).push(self.1);
            }
        }
    }

    fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl InHand<u32> for Vec<u32> {
        fn take(&mut self, piece: &u32) -> bool {
            self.push(*piece);
            true
        }

        fn put_back(&mut self, piece: &u32) {
            self.retain(|other| other != piece);
        }
    }

    impl Pieces for Numbers {
        type Piece = u32;
        type InHand = Vec<u32>;

        const AT_ONCE: usize = 3;
        const FINISHES: bool = true;

        fn name(&self) -> &'static str {
            "numbers"
        }

        fn core(&self) -> &Core {
            &self.core
        }

        fn wakes(&self) -> Wakes {
            Wakes::none()
        }

        fn poll(&self) -> Duration {
            Duration::from_hours(1)
        }

        async fn due(&self, in_hand: &Vec<u32>, limit: usize) -> Result<Vec<u32>, StoreError> {
            let done = locked(&self.done).clone();
            let due = (0..self.count).filter(|number| !done.contains(number) && !in_hand.contains(number));
            Ok(due.take(limit).collect())
        }

        async fn work(&self, piece: &u32) -> Result<(), StoreError> {
            let _half_way = HalfWay(self, *piece);
            let (go, gone) = oneshot::channel();
            locked(&self.waiting).insert(*piece, go);
            gone.await.expect("on purpose");
            locked(&self.done).push(*piece);
            Ok(())
        }
    }

    impl Numbers {
        async fn new(folder: &tempfile::TempDir, count: u32) -> Self {
            Self {
                core: testing::core(folder.path()).await,
                count,
                done: Arc::default(),
                waiting: Arc::default(),
                dropped: Arc::default(),
            }
        }

        /// Takes what a piece waits for, once it waits.
        async fn gate(&self, piece: u32) -> oneshot::Sender<()> {
            loop {
                if let Some(go) = locked(&self.waiting).remove(&piece) {
                    return go;
                }
                tokio::task::yield_now().await;
            }
        }

        async fn let_go(&self, piece: u32) {
            self.gate(piece).await.send(()).unwrap();
        }
    }

    #[tokio::test]
    async fn waiting_piece_delays_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = Numbers::new(&folder, 5).await;
        let tasks = Supervisor::new();
        let mut lanes = Lanes::new(numbers.clone(), &tasks);
        assert_eq!(lanes.step().await.unwrap(), Progress::Worked);
        assert_eq!(lanes.step().await.unwrap(), Progress::Busy, "as many as may be in hand");
        for piece in [2, 1, 3, 4] {
            numbers.let_go(piece).await;
            lanes.one_ended().await;
            assert_eq!(lanes.step().await.unwrap(), Progress::Worked);
        }
        assert_eq!(*locked(&numbers.done), [2, 1, 3, 4], "each once, while 0 waits");
        numbers.let_go(0).await;
        lanes.drain().await;
        assert_eq!(lanes.step().await.unwrap(), Progress::Idle);
        assert!(tasks.shutdown(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn work_in_hand_is_dropped_with_worker() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = Numbers::new(&folder, 2).await;
        let tasks = Supervisor::new();
        let mut lanes = Lanes::new(numbers.clone(), &tasks);
        lanes.step().await.unwrap();
        let _gates = (numbers.gate(0).await, numbers.gate(1).await);
        drop(lanes);
        assert!(tasks.shutdown(Duration::from_secs(5)).await);
        let mut dropped = locked(&numbers.dropped).clone();
        dropped.sort_unstable();
        assert_eq!(dropped, [0, 1]);
    }

    #[tokio::test]
    async fn panic_in_a_piece_reaches_worker() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = Numbers::new(&folder, 1).await;
        let mut lanes = Lanes::new(numbers.clone(), &Supervisor::new());
        lanes.step().await.unwrap();
        drop(numbers.gate(0).await);
        lanes.one_ended().await;
        assert!(AssertUnwindSafe(lanes.step()).catch_unwind().await.is_err());
    }
}
