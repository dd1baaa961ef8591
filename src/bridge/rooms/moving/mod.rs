//! Moves the rooms from the former login to the present one, each in the same steps: invite, enter, give power, set the fence,
//! store. Every step may be repeated, so a kill between any two costs a repeat. A room in which something is to be shown
//! moves first; the others follow in the background.

mod handing;
mod logins;
mod places;
mod port;
mod replacing;
mod streams;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::bridge::core::Core;
use crate::domain::matrix::{Matrix, MatrixError, MatrixState, MatrixStatus};
use crate::domain::moving::{Login, Logins};
use crate::domain::{MatrixRoomId, MatrixUserId, Timestamp};
use crate::store::StoreError;

pub use logins::{KnownLogins, abandon_former, know_logins, rooms_move};
use port::Moved;
pub(super) use streams::{Held, Source, counted, may_count, store_mark};
pub use worker::RoomMover;

/// Number of locks that rooms are spread over: a room is handed over by one call at a time.
const SHARDS: usize = 16;
/// Pause before a room that could not be handed over is tried again; doubled each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// A move of the rooms from the former login to the present one. Cheap to clone.
#[derive(Clone)]
pub struct Moving {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    present: Arc<dyn Login>,
    former: Arc<dyn Login>,
    logins: Mutex<Logins>,
    handing: [tokio::sync::Mutex<()>; SHARDS],
    failed: Mutex<HashMap<MatrixRoomId, Failed>>,
    /// Whether the Space and the rooms of no conversation were handed over in this run.
    has_places: tokio::sync::Mutex<bool>,
    over: watch::Sender<bool>,
    /// State of the present login, with how far the move is.
    shown: watch::Sender<MatrixStatus>,
}

/// A room that could not be handed over.
#[derive(Clone)]
struct Failed {
    why: String,
    pause: Duration,
    retry_at: Timestamp,
}

impl Moving {
    /// Begins, or goes on with, the move from `former` to `present`. `logins`: all users that were known before.
    pub fn new(core: Core, present: Arc<dyn Login>, former: Arc<dyn Login>, logins: Logins) -> Self {
        let inner = Inner {
            shown: watch::Sender::new(present.status().borrow().clone()),
            core,
            present,
            former,
            logins: Mutex::new(logins),
            handing: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            failed: Mutex::default(),
            has_places: tokio::sync::Mutex::new(false),
            over: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns a receiver of the state of the present login, with how far the move is.
    pub fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.shown.subscribe()
    }

    /// Shows the state of the present login with how far the move is, if it is not over.
    fn show(&self, progress: Option<String>) {
        let status = self.inner.present.status().borrow().clone();
        let detail = status.detail.or(progress);
        let status = MatrixStatus { detail, ..status };
        self.inner.shown.send_if_modified(|shown| {
            let is_news = *shown != status;
            *shown = status;
            is_news
        });
    }

    /// Returns the port of the present login, to which a room moves before anything is shown in it.
    pub fn port(&self) -> Arc<dyn Matrix> {
        Arc::new(Moved(self.clone()))
    }

    /// Returns whether everything has moved.
    pub(super) fn is_over(&self) -> bool {
        *self.inner.over.borrow()
    }

    /// Returns the former login.
    pub(super) fn former(&self) -> &Arc<dyn Login> {
        &self.inner.former
    }

    /// Returns the user to whom the rooms move, once both logins are connected.
    pub(super) fn heir(&self) -> Result<MatrixUserId, MatrixError> {
        user_of(&*self.inner.former, "former")?;
        user_of(&*self.inner.present, "present")
    }

    /// Returns the rooms that could not be handed over and are not to be tried again yet.
    fn resting(&self) -> Vec<MatrixRoomId> {
        let now = self.inner.core.clock.now();
        let failed = self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let resting = failed.iter().filter(|(_, failed)| failed.retry_at > now);
        resting.map(|(room, _)| room.clone()).collect()
    }

    /// Returns why a room is not to be tried again yet.
    fn rests(&self, room: &MatrixRoomId) -> Option<MatrixError> {
        let now = self.inner.core.clock.now();
        let failed = self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = failed.get(room).filter(|failed| failed.retry_at > now)?;
        Some(MatrixError::Unreachable {
            why: failed.why.clone(),
            retry_after: Some(failed.retry_at.since(now)),
        })
    }

    /// Notes whether a room was handed over. Returns a refusal as something that passes: what is to be shown in the room waits.
    fn note(&self, room: &MatrixRoomId, done: Result<(), MatrixError>) -> Result<(), MatrixError> {
        let mut failed = self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match done {
            Err(MatrixError::Refused(why)) => why,
            Err(passing) => return Err(passing),
            Ok(()) => {
                failed.remove(room);
                return Ok(());
            }
        };
        let pause = failed
            .get(room)
            .map_or(FIRST_PAUSE, |before| (before.pause * 2).min(MAX_PAUSE));
        tracing::warn!(%room, retry_in = ?pause, "the room cannot be taken over from the former login: {why}");
        let retry_at = self.inner.core.clock.now().plus(pause);
        let why = format!("its room cannot be taken over yet: {why}");
        failed.insert(
            room.clone(),
            Failed {
                why: why.clone(),
                pause,
                retry_at,
            },
        );
        Err(MatrixError::Unreachable {
            why,
            retry_after: Some(pause),
        })
    }
}

fn user_of(login: &dyn Login, which: &str) -> Result<MatrixUserId, MatrixError> {
    let status = login.status().borrow().clone();
    match status.user.filter(|_| status.state == MatrixState::Ready) {
        Some(user) => Ok(user),
        None => Err(waits(format!(
            "rooms move from one login to another, and the {which} one is not connected ({}): {}",
            status.state,
            status.detail.unwrap_or_else(|| "it starts".to_owned()),
        ))),
    }
}

/// Returns the error of what has to wait.
fn waits(why: String) -> MatrixError {
    MatrixError::Unreachable { why, retry_after: None }
}

/// Returns the error of what has to wait for the database.
fn unstored(error: &StoreError) -> MatrixError {
    waits(format!("the database failed: {error}"))
}
