//! The only place that starts tasks. A task that ends early, fails or panics is seen, logged and acted on: a server's task
//! that is gone ends the server in order, because half a server is worse than a restarted one. (A lost browser or homeserver
//! is not a lost task: its own actor starts it again.)

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and ends them. Clones share one set of tasks.
#[derive(Clone)]
pub struct Supervisor {
    tasks: TaskTracker,
    stopping: CancellationToken,
    lost: watch::Sender<Option<&'static str>>,
    /// Of a group: where its tasks are known as well.
    whole: Option<TaskTracker>,
}

impl Supervisor {
    pub fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            lost: watch::Sender::new(None),
            whole: None,
        }
    }

    /// Tasks that can be ended before the others, and end with them at the latest. One of them that is lost is the whole's loss.
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: self.stopping.child_token(),
            lost: self.lost.clone(),
            whole: Some(self.tasks.clone()),
        }
    }

    /// Ends when the program is to end. Tasks watch it and return in order.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Asks every task to end.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Starts a task that has to run until [`Self::stopping`].
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stopping, lost) = (self.stopping.clone(), self.lost.clone());
        self.start(async move {
            let end = AssertUnwindSafe(task).catch_unwind().await;
            match end {
                Ok(Ok(())) if stopping.is_cancelled() => return,
                Ok(Ok(())) => tracing::error!(task = name, "a task ended before its time"),
                Ok(Err(error)) if stopping.is_cancelled() => {
                    tracing::warn!(task = name, "a task failed while stopping: {error:#}");
                    return;
                }
                Ok(Err(error)) => tracing::error!(task = name, "a task failed: {error:#}"),
                // The panic's own message has been written by the panic hook.
                Err(_) => tracing::error!(task = name, "a task panicked"),
            }
            lost.send_replace(Some(name));
        });
    }

    /// Starts a task that may end whenever it likes: a connection, a timer. A panic is logged and ends nothing else.
    pub fn spawn_short<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.start(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a short task panicked");
            }
        });
    }

    /// Returns the name of the first task that was lost; waits as long as there is none.
    pub async fn lost(&self) -> &'static str {
        let mut lost = self.lost.subscribe();
        loop {
            if let Some(name) = *lost.borrow_and_update() {
                return name;
            }
            if lost.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Asks every task to end and waits for them; tells whether all did within `limit`.
    pub async fn shutdown(&self, limit: Duration) -> bool {
        self.stop();
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where tasks start")]
    fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.track_future(task);
        match &self.whole {
            Some(whole) => drop(tokio::spawn(whole.track_future(task))),
            None => drop(tokio::spawn(task)),
        }
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_fails_or_ends_early_is_noticed() {
        for kind in 0..3 {
            let supervisor = Supervisor::new();
            supervisor.spawn("short-lived", async move {
                match kind {
                    0 => panic!("on purpose"),
                    1 => anyhow::bail!("on purpose"),
                    _ => Ok(()),
                }
            });
            assert_eq!(supervisor.lost().await, "short-lived");
        }
    }

    #[tokio::test]
    async fn a_group_ends_before_the_whole_and_with_it_and_its_loss_is_the_wholes() {
        let whole = Supervisor::new();
        let (first, second) = (whole.group(), whole.group());
        for group in [&first, &second] {
            let stopping = group.stopping();
            group.spawn("obedient", async move {
                stopping.cancelled().await;
                Ok(())
            });
        }
        assert!(first.shutdown(Duration::from_secs(5)).await);
        assert!(!second.stopping().is_cancelled() && !whole.stopping().is_cancelled());
        second.spawn("short-lived", async { Ok(()) });
        assert_eq!(whole.lost().await, "short-lived");
        assert!(
            whole.shutdown(Duration::from_secs(5)).await,
            "with what is left of its groups"
        );
    }

    #[tokio::test]
    async fn shutdown_waits_for_tasks_and_tells_which_did_not_end() {
        let supervisor = Supervisor::new();
        let stopping = supervisor.stopping();
        supervisor.spawn("obedient", async move {
            stopping.cancelled().await;
            Ok(())
        });
        assert!(supervisor.shutdown(Duration::from_secs(5)).await);

        let supervisor = Supervisor::new();
        supervisor.spawn("deaf", std::future::pending());
        assert!(!supervisor.shutdown(Duration::from_millis(10)).await);
    }
}
