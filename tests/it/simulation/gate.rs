//! Crash points: every call to the outside passes here before and after its effect, and every step of the program stops
//! wherever it waits, for the database above all. At the chosen one the program stops for ever, as `kill -9` would stop it,
//! and the run starts it again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Passages left before the crash; negative: no crash is planned.
    left: AtomicI64,
    /// Waits left before the crash; negative: none is planned.
    waits: AtomicI64,
    crashed: Notify,
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

    /// What the program does, unless the planned crash comes first: then nothing.
    pub async fn watch<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        let mut doing = pin!(doing);
        let cut = poll_fn(|context| match doing.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => match self.0.waits.load(Ordering::SeqCst) {
                0 => {
                    self.disarm();
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
            () = self.0.crashed.notified() => None,
            done = cut => done,
        }
    }

    /// Returns at once, or never.
    pub async fn pass(&self) {
        let left = self.0.left.load(Ordering::SeqCst);
        if left == 0 {
            self.disarm();
            self.0.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        if left > 0 {
            self.0.left.store(left - 1, Ordering::SeqCst);
        }
    }
}
