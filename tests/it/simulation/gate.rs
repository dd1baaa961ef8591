//! Crash points: every call to the outside passes here before and after its effect. At the chosen one the program stops
//! for ever, as `kill -9` would stop it, and the run starts it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Passages left before the crash; negative: no crash is planned.
    left: AtomicI64,
    crashed: Notify,
}

impl Gate {
    pub fn open() -> Self {
        let gate = Self::default();
        gate.0.left.store(-1, Ordering::SeqCst);
        gate
    }

    /// Plans a crash after so many more passages.
    pub fn crash_after(&self, passages: u32) {
        self.0.left.store(i64::from(passages), Ordering::SeqCst);
    }

    pub fn disarm(&self) {
        self.0.left.store(-1, Ordering::SeqCst);
    }

    /// Returns when the planned crash has come.
    pub async fn crashed(&self) {
        self.0.crashed.notified().await;
    }

    /// Returns at once, or never.
    pub async fn pass(&self) {
        let left = self.0.left.load(Ordering::SeqCst);
        if left == 0 {
            self.0.left.store(-1, Ordering::SeqCst);
            self.0.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        if left > 0 {
            self.0.left.store(left - 1, Ordering::SeqCst);
        }
    }
}
