//! The thread that writes to a SQLite database.
//!
//! The driver runs each statement in a thread of its own, so statement and answer each wake another thread. If that has to
//! be woken on another processor, which went to sleep meanwhile, the way costs several times what the statement does. On one
//! processor it is a change of threads: a message costs half as much (`docs/how-it-works.md`, *Writes*).

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A thread that stays on one processor, with a runtime of its own. Threads that are started on it, as that of a connection
/// is, stay there too. It ends when the last clone is dropped.
#[derive(Clone)]
pub struct WriterThread {
    runtime: Handle,
    _ends: Arc<DropGuard>,
}

impl WriterThread {
    /// Starts the thread.
    pub fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let ended = CancellationToken::new();
        let ends = Arc::new(ended.clone().drop_guard());
        std::thread::Builder::new()
            .name("store writer".to_owned())
            .spawn(move || {
                stay_on_this_processor();
                runtime.block_on(ended.cancelled());
            })?;
        Ok(Self {
            runtime: handle,
            _ends: ends,
        })
    }

    /// Runs a future on the thread, to its end even if nobody waits for it, and returns its value. `None` if the thread has
    /// ended.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        #[expect(
            clippy::disallowed_methods,
            reason = "it is watched: whoever calls waits for it and gets its panic"
        )]
        let task = self.runtime.spawn(work);
        match task.await {
            Ok(value) => Some(value),
            Err(lost) => match lost.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        }
    }
}

/// Binds the calling thread to the processor that it runs on. Where that is not allowed it goes where the system puts it, and is
/// slower.
#[cfg(target_os = "linux")]
fn stay_on_this_processor() {
    use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

    let here = sched_getcpu();
    if here < CpuSet::MAX_CPU {
        let mut only = CpuSet::new();
        only.set(here);
        let _ = sched_setaffinity(None, &only);
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on_this_processor() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_there_and_its_panic_comes_back() {
        let thread = WriterThread::start().unwrap();
        let name = async { std::thread::current().name().map(str::to_owned) };
        assert_eq!(thread.run(name).await.unwrap().as_deref(), Some("store writer"));
        let panics = thread.run(async { panic!("lost") });
        let lost = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(panics)).await;
        assert_eq!(lost.unwrap_err().downcast_ref::<&str>(), Some(&"lost"));
        assert_eq!(thread.run(async { 1 }).await, Some(1), "it goes on");
    }
}
