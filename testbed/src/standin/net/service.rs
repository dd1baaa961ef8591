//! The lock around the world, and the tasks for its delays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::standin::world::World;

/// Owner of the world. Every change goes through [`Service::with`], which wakes all waits for a condition.
pub(crate) struct Service {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
}

impl Service {
    pub fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            changed: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A poisoned lock is used all the same: the panic of the test that held it should be the reported one.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world.
    pub fn with<R>(self: &std::sync::Arc<Self>, change: impl FnOnce(&mut World) -> R) -> R {
        let (result, later) = {
            let mut world = self.lock();
            let result = change(&mut world);
            (result, std::mem::take(&mut world.later))
        };
        self.changed.send_modify(|version| *version += 1);
        for (delay, act) in later {
            let service = std::sync::Arc::clone(self);
            self.tasks.spawn(async move {
                tokio::select! {
                    () = service.stop.cancelled() => {}
                    () = tokio::time::sleep(delay) => service.with(act),
                }
            });
        }
        result
    }

    /// Reads the world.
    pub fn look<R>(&self, view: impl FnOnce(&World) -> R) -> R {
        view(&self.lock())
    }

    /// Waits until `view` returns something, and returns it. `view` is called after each change.
    pub async fn until<R>(&self, mut view: impl FnMut(&World) -> Option<R>) -> R {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(found) = self.look(&mut view) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }
}
