//! The only place that starts tasks. A task that ends early, fails or panics is seen, logged and acted on. How far that reaches
//! is decided by where it was started: a task that the whole server needs ends the server in order ([`Supervisor::spawn`]); a task
//! of a [`Supervisor::group`] ends that group, which its owner starts again; one that is [kept](Supervisor::spawn_kept) is started
//! again by itself. (A lost browser or homeserver is not a lost task: its own actor starts it again.)

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause before a kept task is started again; it doubles with each loss.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A kept task that ran for so long begins with the first pause again.
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

    /// Returns a supervisor of tasks that can be ended before the others, and end with them at the latest. One of them that is
    /// lost is the group's loss alone: whoever makes a group watches [`Self::lost`].
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: self.stopping.child_token(),
            lost: watch::Sender::new(None),
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
            if let Some(why) = end_of(name, task, &stopping).await {
                // The first one is the cause of those that follow.
                lost.send_if_modified(|lost| {
                    let is_first = lost.is_none();
                    lost.get_or_insert(Loss { task: name, why });
                    is_first
                });
            }
        });
    }

    /// Starts a task that has to run until [`Self::stopping`] and whose loss is nobody else's: it is made anew, after a pause that
    /// grows.
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
                tracing::warn!(task = name, "it is started again in {pause:?}");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stopping.cancelled() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
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
            if let Some(loss) = &*lost.borrow_and_update() {
                return loss.task;
            }
            if lost.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns which task was lost first, and why; `None` as long as there is none.
    pub fn loss(&self) -> Option<String> {
        let lost = self.lost.borrow();
        lost.as_ref()
            .map(|loss| format!("its task `{}` {}", loss.task, loss.why))
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

/// Runs a task that has to run until `stopping`; returns how it ended when that was before its time.
async fn end_of(
    name: &'static str,
    task: impl Future<Output = anyhow::Result<()>>,
    stopping: &CancellationToken,
) -> Option<String> {
    let why = match AssertUnwindSafe(task).catch_unwind().await {
        Ok(Ok(())) if stopping.is_cancelled() => return None,
        Ok(Ok(())) => "ended before its time".to_owned(),
        Ok(Err(error)) if stopping.is_cancelled() => {
            tracing::warn!(task = name, "a task failed while stopping: {error:#}");
            return None;
        }
        Ok(Err(error)) => format!("failed: {error:#}"),
        // The panic's own message has been written by the panic hook.
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
    async fn group_ends_alone_and_with_the_whole() {
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
        assert_eq!(second.lost().await, "short-lived");
        assert_eq!((first.loss(), whole.loss()), (None, None), "nobody else's loss");
        assert_eq!(second.loss().unwrap(), "its task `short-lived` ended before its time");
        assert!(
            whole.shutdown(Duration::from_secs(5)).await,
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
