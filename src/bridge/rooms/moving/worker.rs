//! Worker that moves the rooms in which nothing happens, and ends the move.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::bridge::rooms::gone;
use crate::domain::MatrixUserId;
use crate::domain::matrix::{MatrixError, MatrixState};
use crate::domain::moving::{Login, Logins};
use crate::store::{RoomOf, StoreError};

use super::logins::LOGINS;
use super::{Moving, logins, places};

/// Interval between two looks while rooms move.
const POLL: Duration = Duration::from_millis(500);
/// Interval between two looks when nothing moves.
const REST: Duration = Duration::from_mins(10);
/// Rooms that are handed over at the same time.
const ROOMS: u64 = 4;
/// Rooms of a login that is gone for good which are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u64 = 100;

/// Worker that takes note of the login, and moves rooms to it if another one kept them.
pub struct RoomMover {
    core: Core,
    present: Arc<dyn Login>,
    logins: Logins,
    moving: Option<Moving>,
    /// The move that is over: its status goes on to be that of the present login.
    moved: Option<Moving>,
    is_noted: bool,
    /// Reason to wait that was logged last.
    told: Option<String>,
}

impl RoomMover {
    /// Builds the worker. `logins`: users known before this run; `moving`: the move that is under way.
    pub fn new(core: Core, present: Arc<dyn Login>, logins: Logins, moving: Option<Moving>) -> Self {
        Self {
            core,
            present,
            logins,
            moving,
            moved: None,
            is_noted: false,
            told: None,
        }
    }
}

impl Worker for RoomMover {
    fn name(&self) -> &'static str {
        "moving of rooms"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        let wakes = Wakes::none().and(self.present.status());
        match &self.moving {
            Some(moving) => wakes.and(moving.former().status()),
            None => wakes,
        }
    }

    fn poll(&self) -> Duration {
        if self.moving.is_some() { POLL } else { REST }
    }

    async fn step(&mut self) -> Result<Progress, StoreError> {
        // After a restore nothing is changed in rooms before a person resumes the outbox (rule 5).
        if self.core.store.settings().is_parked().await? {
            return Ok(Progress::Idle);
        }
        let Some(moving) = self.moving.clone() else {
            if let Some(moved) = &self.moved {
                moved.show(None);
            }
            return self.note_login().await;
        };
        match self.move_some(&moving).await {
            Ok(Some(progress)) => Ok(progress),
            Ok(None) => {
                moving.end().await?;
                tracing::info!("all rooms have moved; the former login is not needed any more");
                moving.show(None);
                self.moved = self.moving.take();
                Ok(Progress::Worked)
            }
            Err(Stopped::Store(error)) => Err(error),
            Err(Stopped::Port(error)) => {
                let why = error.to_string();
                moving.show(Some(why.clone()));
                if self.told.as_ref() != Some(&why) {
                    tracing::warn!("rooms wait to move from the former login to the present one: {why}");
                    self.told = Some(why);
                }
                Ok(Progress::Idle)
            }
        }
    }
}

enum Stopped {
    Port(MatrixError),
    Store(StoreError),
}

impl From<MatrixError> for Stopped {
    fn from(error: MatrixError) -> Self {
        Self::Port(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl RoomMover {
    /// Moves some rooms. Returns `None` if none is left.
    async fn move_some(&mut self, moving: &Moving) -> Result<Option<Progress>, Stopped> {
        moving.see_to_places().await?;
        self.told = None;
        let heir = moving.heir()?;
        let store = &self.core.store;
        let rows = store.rooms().kept_by_others(&heir, &moving.resting(), ROOMS).await?;
        let left = store.rooms().count_moving(&heir).await?;
        moving.show(Some(format!(
            "rooms move from the former login: {} are left, {} are not read to the end there",
            left.0, left.1
        )));
        if rows.is_empty() {
            let is_over = left == (0, 0) && !places::is_unread(store).await?;
            return Ok((!is_over).then_some(Progress::Idle));
        }
        let moved = join_all(rows.iter().map(|row| move_one(moving, row).boxed())).await;
        let mut progress = Progress::Idle;
        for (row, moved) in rows.into_iter().zip(moved) {
            match (row.room, moved) {
                (_, Ok(())) => progress = Progress::Worked,
                (Some(room), Err(MatrixError::RoomGone(why))) => {
                    tracing::warn!(%room, "the former login has lost the room, which cannot move: {why}");
                    let forgotten = self
                        .core
                        .write(room, |tx, room| async move { gone::forget(tx, room).await }.boxed());
                    forgotten.await?;
                    progress = Progress::Worked;
                }
                (_, Err(error)) => tracing::debug!("a room waits to move: {error}"),
            }
        }
        Ok(Some(progress))
    }

    /// Stores the users of the present login, and that it keeps the rooms from before this was stored.
    async fn note_login(&mut self) -> Result<Progress, StoreError> {
        let status = self.present.status().borrow().clone();
        let user = status.user.filter(|_| status.state == MatrixState::Ready);
        let (Some(user), Ok(own)) = (user, self.present.own()) else {
            return Ok(Progress::Idle);
        };
        if self.is_noted {
            return Ok(Progress::Idle);
        }
        self.logins.add(own);
        self.core
            .write((self.logins.stored(), user.clone()), |tx, (logins, user)| {
                async move {
                    tx.settings().set(LOGINS, Some(logins)).await?;
                    tx.rooms().claim(user).await.map(|_| ())
                }
                .boxed()
            })
            .await?;
        if logins::has_abandoned(&self.core.store).await? && self.forget_abandoned(&user).await? {
            return Ok(Progress::Worked);
        }
        self.is_noted = true;
        Ok(Progress::Worked)
    }

    /// Forgets some rooms of a login that is gone for good. Returns whether there may be more.
    async fn forget_abandoned(&self, present: &MatrixUserId) -> Result<bool, StoreError> {
        let rows = self
            .core
            .store
            .rooms()
            .kept_by_others(present, &[], FORGOTTEN_AT_ONCE)
            .await?;
        let is_last = rows.is_empty();
        self.core
            .write(rows, |tx, rows| {
                async move {
                    for row in rows {
                        match &row.room {
                            Some(room) => gone::forget(tx, room).await?,
                            None => tx.rooms().forget(row.conversation).await?,
                        }
                    }
                    if rows.is_empty() {
                        logins::forget_abandoned(tx).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await?;
        Ok(!is_last)
    }
}

async fn move_one(moving: &Moving, row: &RoomOf) -> Result<(), MatrixError> {
    match &row.room {
        Some(room) => moving.see_to(room).await,
        None => moving.see_to_alias(&row.alias).await,
    }
}
