//! Virtual time: it moves when the run says so, forwards or back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use crm::domain::{Clock, Timestamp};

/// When every run begins.
const BEGIN: i64 = 1_790_000_000_000;

#[derive(Clone)]
pub struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGIN)))
    }

    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Somebody set the machine's clock back.
    pub fn set_back(&self, by: Duration) {
        self.0
            .fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    /// Nobody waits: time jumps.
    async fn sleep(&self, span: Duration) {
        self.advance(span);
    }
}
