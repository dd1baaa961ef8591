//! Crash points: every call to the outside passes here before and after its effect, and every step of the program, and every
//! piece that a step has begun, stops wherever it waits, for the database above all. At the chosen point all of it stops for
//! ever, as `kill -9` would stop it, and the run starts it again.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use crm::bridge::{Core, Pieces, Wakes};
use crm::store::StoreError;
use tokio::sync::watch;

#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Passages left before the crash; negative: no crash is planned.
    left: AtomicI64,
    /// Waits left before the crash; negative: none is planned.
    waits: AtomicI64,
    crashed: watch::Sender<bool>,
}

impl Gate {
    pub fn open() -> Self {
        let gate = Self::default();
        gate.disarm();
        gate
    }

    /// Plans a crash after so many more passages.
    pub fn crash_after(&self, passages: u32) {
        self.0.left.store(i64::from(passages), Ordering::SeqCst);
    }

    /// Plans a crash in the wait after so many more: between two queries, or while one is under way.
    pub fn crash_in_wait(&self, waits: u32) {
        self.0.waits.store(i64::from(waits), Ordering::SeqCst);
    }

    pub fn disarm(&self) {
        self.0.left.store(-1, Ordering::SeqCst);
        self.0.waits.store(-1, Ordering::SeqCst);
    }

    /// Whether the program was killed, and not started again since.
    pub fn has_crashed(&self) -> bool {
        *self.0.crashed.borrow()
    }

    /// The program is started again.
    pub fn revive(&self) {
        self.disarm();
        self.0.crashed.send_replace(false);
    }

    fn crash(&self) {
        self.disarm();
        self.0.crashed.send_replace(true);
    }

    /// What the program does, unless the planned crash comes first: then nothing.
    pub async fn watch<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        let mut doing = pin!(doing);
        let mut crashed = self.0.crashed.subscribe();
        let cut = poll_fn(|context| match doing.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => match self.0.waits.load(Ordering::SeqCst) {
                0 => {
                    self.crash();
                    Poll::Ready(None)
                }
                left => {
                    if left > 0 {
                        self.0.waits.store(left - 1, Ordering::SeqCst);
                    }
                    Poll::Pending
                }
            },
        });
        tokio::select! {
            biased;
            _ = crashed.wait_for(|crashed| *crashed) => None,
            done = cut => done,
        }
    }

    /// Returns at once, or never.
    pub async fn pass(&self) {
        let left = self.0.left.load(Ordering::SeqCst);
        if left == 0 {
            self.crash();
        }
        if self.has_crashed() {
            pending::<()>().await;
        }
        if left > 0 {
            self.0.left.store(left - 1, Ordering::SeqCst);
        }
    }
}

/// Pieces that stop where the program is killed, each wherever it waits.
#[derive(Clone)]
pub struct Gated<P>(pub P, pub Gate);

impl<P: Pieces> Pieces for Gated<P> {
    type Piece = P::Piece;
    type InHand = P::InHand;

    const AT_ONCE: usize = P::AT_ONCE;
    const FINISHES: bool = P::FINISHES;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn core(&self) -> &Core {
        self.0.core()
    }

    fn wakes(&self) -> Wakes {
        self.0.wakes()
    }

    fn poll(&self) -> Duration {
        self.0.poll()
    }

    async fn due(&self, in_hand: &P::InHand, limit: usize) -> Result<Vec<P::Piece>, StoreError> {
        self.0.due(in_hand, limit).await
    }

    async fn work(&self, piece: &P::Piece) -> Result<(), StoreError> {
        match self.1.watch(self.0.work(piece)).await {
            Some(end) => end,
            None => pending().await,
        }
    }
}
