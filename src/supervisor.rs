//! The only place that starts tasks. A task that ends early, fails or panics is lost: that is logged, and has an effect
//! that depends on how the task was started. A task that the whole server needs ends the server in order
//! ([`Supervisor::spawn`]); a task of a [`Supervisor::group`] ends that group, which its owner starts again; a
//! [kept](Supervisor::spawn_kept) task is restarted alone. (A lost browser or homeserver is not a lost task: its own
//! actor connects again.)

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause before the first restart of a kept task; doubled with each loss up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_mins(5);
/// Run time after which a kept task begins with the first pause again.
const STABLE: Duration = Duration::from_mins(10);

/// A task that was lost.
#[derive(Clone, Debug)]
struct Loss {
    task: &'static str,
    why: String,
}

/// Starts tasks and ends them. Clones share one set of tasks.
#[derive(Clone)]
pub struct Supervisor {
    tasks: TaskTracker,
    stopping: CancellationToken,
    lost: watch::Sender<Option<Loss>>,
    /// For a group: the tracker of the supervisor that it belongs to.
    parent: Option<TaskTracker>,
}

impl Supervisor {
    /// Returns a supervisor without tasks.
    pub fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            lost: watch::Sender::new(None),
            parent: None,
        }
    }

    /// Returns a group of tasks that can be ended before the others and ends with them at the latest. A lost task is
    /// the loss of the group alone: its owner watches [`Self::lost`].
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: self.stopping.child_token(),
            lost: watch::Sender::new(None),
            parent: Some(self.tasks.clone()),
        }
    }

    /// Returns the token that is cancelled when the tasks are to end. Tasks watch it and return in order.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Signals all tasks to end.
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
            if let Some(why) = end_of(name, task, &stopping).await {
                // Only the first loss is kept: it is the cause of those that follow.
                lost.send_if_modified(|lost| {
                    let is_first = lost.is_none();
                    lost.get_or_insert(Loss { task: name, why });
                    is_first
                });
            }
        });
    }

    /// Starts a task that has to run until [`Self::stopping`] and whose loss affects no other: `task` is called again
    /// after a growing pause.
    pub fn spawn_kept<F>(&self, name: &'static str, mut task: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stopping = self.stopping.clone();
        self.start(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let started = Instant::now();
                if end_of(name, task(), &stopping).await.is_none() {
                    return;
                }
                if started.elapsed() >= STABLE {
                    pause = FIRST_PAUSE;
                }
                tracing::warn!(task = name, "starting the task again in {pause:?}");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stopping.cancelled() => return,
                }
                pause = (pause * 2).min(MAX_PAUSE);
            }
        });
    }

    /// Starts a task that may end at any time, such as a connection or a timer. A panic is logged and ends nothing
    /// else.
    pub fn spawn_short<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // No async block, which would hold the task twice: there is one for each connection.
        self.start(AssertUnwindSafe(task).catch_unwind().map(move |end| {
            if end.is_err() {
                tracing::error!(task = name, "a short task panicked");
            }
        }));
    }

    /// Waits until a task is lost. Returns its name.
    pub async fn lost(&self) -> &'static str {
        let mut lost = self.lost.subscribe();
        loop {
            if let Some(loss) = &*lost.borrow_and_update() {
                return loss.task;
            }
            if lost.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns the first lost task and the reason in words; `None` if no task was lost.
    pub fn loss(&self) -> Option<String> {
        let lost = self.lost.borrow();
        lost.as_ref()
            .map(|loss| format!("its task `{}` {}", loss.task, loss.why))
    }

    /// Signals all tasks to end and waits for them. Returns whether all ended within `limit`.
    pub async fn shutdown(&self, limit: Duration) -> bool {
        self.stop();
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where tasks start")]
    fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.track_future(task);
        match &self.parent {
            Some(parent) => drop(tokio::spawn(parent.track_future(task))),
            None => drop(tokio::spawn(task)),
        }
    }
}

/// Runs a task that has to run until `stopping`. Returns how it ended in words, if it was lost.
async fn end_of(
    name: &'static str,
    task: impl Future<Output = anyhow::Result<()>>,
    stopping: &CancellationToken,
) -> Option<String> {
    let why = match AssertUnwindSafe(task).catch_unwind().await {
        Ok(Ok(())) if stopping.is_cancelled() => return None,
        Ok(Ok(())) => "ended unexpectedly".to_owned(),
        Ok(Err(error)) if stopping.is_cancelled() => {
            tracing::warn!(task = name, "a task failed while stopping: {error:#}");
            return None;
        }
        Ok(Err(error)) => format!("failed: {error:#}"),
        // The panic hook has logged the panic's message.
        Err(_) => "panicked".to_owned(),
    };
    tracing::error!(task = name, "a task {why}");
    Some(why)
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
    async fn panicked_failed_or_ended_task_is_lost() {
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
    async fn group_ends_alone_and_with_its_parent() {
        let parent = Supervisor::new();
        let (first, second) = (parent.group(), parent.group());
        for group in [&first, &second] {
            let stopping = group.stopping();
            group.spawn("obedient", async move {
                stopping.cancelled().await;
                Ok(())
            });
        }
        assert!(first.shutdown(Duration::from_secs(5)).await);
        assert!(!second.stopping().is_cancelled() && !parent.stopping().is_cancelled());
        second.spawn("short-lived", async { Ok(()) });
        assert_eq!(second.lost().await, "short-lived");
        assert_eq!(
            (first.loss(), parent.loss()),
            (None, None),
            "the loss of the group alone"
        );
        assert_eq!(second.loss().unwrap(), "its task `short-lived` ended unexpectedly");
        assert!(
            parent.shutdown(Duration::from_secs(5)).await,
            "with what is left of its groups"
        );
    }

    #[tokio::test]
    async fn kept_task_is_started_again() {
        let supervisor = Supervisor::new();
        let (starts, mut started) = watch::channel(0);
        let stopping = supervisor.stopping();
        supervisor.spawn_kept("kept", move || {
            starts.send_modify(|starts| *starts += 1);
            let (count, stopping) = (*starts.borrow(), stopping.clone());
            async move {
                assert!(count > 1, "on purpose");
                stopping.cancelled().await;
                Ok(())
            }
        });
        started.wait_for(|starts| *starts == 2).await.unwrap();
        assert!(supervisor.loss().is_none());
        assert!(supervisor.shutdown(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn shutdown_waits_and_reports_timeout() {
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
