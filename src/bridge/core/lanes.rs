//! Works on several pieces side by side, so that one that waits for the outside holds up no other. What is in hand is in memory
//! alone: what a crash takes out of it is found in the store again.
//!
//! Each piece is a task of its own. (A future that this worker looked at only now and then might hold the connection that the
//! worker itself waits for.) A piece that panics is a panic of the worker, so that whoever starts it again hears of it.

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

/// How long a piece that could not be written down is kept in hand before it may be given out again.
const PAUSE: Duration = Duration::from_secs(1);

/// Work that comes in pieces, several of which may be in hand at once.
pub trait Pieces: Clone + Send + Sync + 'static {
    type Piece: Send + Sync + 'static;

    /// What is in hand, as [`Self::due`] has to know it.
    type InHand: InHand<Self::Piece>;

    /// Most pieces in hand.
    const AT_ONCE: usize;

    /// Whether what is in hand is finished when the program stops; it is dropped otherwise, as a crash would.
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

    /// Does one piece, and writes down how it went.
    fn work(&self, piece: &Self::Piece) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Which pieces are in hand.
pub trait InHand<P>: Default + Send + Sync {
    /// Takes a piece in hand, unless it would meet one that is.
    fn take(&mut self, piece: &P) -> bool;

    /// The piece is done with.
    fn put_back(&mut self, piece: &P);
}

/// How the work on a piece ended: its result, or its panic.
type End = Result<Result<(), StoreError>, Box<dyn Any + Send>>;

/// A worker that has several pieces in hand. What is in hand when it is dropped is dropped with it.
pub struct Lanes<P: Pieces> {
    pieces: P,
    tasks: Supervisor,
    in_hand: P::InHand,
    /// How many are in hand.
    count: usize,
    ended: mpsc::Receiver<(P::Piece, End)>,
    hands: Hands<P>,
    _drop: DropGuard,
}

/// What the tasks have of the worker.
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
                        "{}: a piece could not be written down, trying again: {error}",
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
                    // There is room for as many as may be in hand.
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

    /// Puts back what has ended and begins what is due. Waits for no piece.
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
