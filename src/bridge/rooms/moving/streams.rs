//! What the two logins tell of one room. Both are in it for a while: what is written before the fence counts as the former
//! one tells it, what is written after it as the keeper does, which waits until the other has read up to the fence. So each
//! event counts once, and in order.

use crate::domain::matrix::{MatrixError, RoomBatch, RoomEvent, RoomEventKind, RoomMark};
use crate::domain::{MatrixUserId, Timestamp};
use crate::store::{RoomOf, Store, StoreError, Tx};

use super::logins::{self, CURSOR, FORMER_CURSOR};
use super::{Moving, places, unstored};

/// The login that tells of events.
pub(in crate::bridge::rooms) enum Source {
    /// The only one.
    Only,
    /// That to which rooms move.
    Present(Moving),
    /// That from which rooms move.
    Former(Moving),
}

/// Batch of a login that waits until the other one has read as far.
pub(in crate::bridge::rooms) struct Held {
    /// The batch.
    pub batch: RoomBatch,
    /// When it waits no more: the homeserver tells the other one nothing.
    pub until: Timestamp,
}

impl Source {
    /// Returns the name of the cursor that holds the login's mark.
    pub(in crate::bridge::rooms) const fn cursor(&self) -> &'static str {
        match self {
            Self::Only | Self::Present(_) => CURSOR,
            Self::Former(_) => FORMER_CURSOR,
        }
    }

    /// Returns the move, while there is one.
    pub(in crate::bridge::rooms) fn moving(&self) -> Option<&Moving> {
        match self {
            Self::Only => None,
            Self::Present(moving) | Self::Former(moving) => Some(moving).filter(|moving| !moving.is_over()),
        }
    }

    /// Returns whether nothing is to be read from the login any more.
    pub(in crate::bridge::rooms) fn is_over(&self) -> bool {
        matches!(self, Self::Former(moving) if moving.is_over())
    }
}

impl Moving {
    /// Sees to it that the fences are stored which a login has told of: the program may have ended between the two.
    pub(in crate::bridge::rooms) async fn store_fences(&self, batch: &RoomBatch) -> Result<(), MatrixError> {
        for event in &batch.events {
            let is_end = match event.what {
                RoomEventKind::Fence => event.sender == self.heir()?,
                RoomEventKind::Replaced => self.is_ending(event).await?,
                _ => false,
            };
            if !is_end {
                continue;
            }
            match self.see_to(&event.room).await {
                // The room is gone for the former login, and will be forgotten.
                Ok(()) | Err(MatrixError::RoomGone(_) | MatrixError::Refused(_)) => {}
                // It is read to its end now.
                Err(_) if event.what == RoomEventKind::Replaced && !self.is_ending(event).await? => {}
                Err(waits) => return Err(waits),
            }
        }
        Ok(())
    }

    /// Returns whether the former login has ended a room, and that is not stored.
    async fn is_ending(&self, event: &RoomEvent) -> Result<bool, MatrixError> {
        let former = self.inner.former.status().borrow().user.clone();
        let row = self.inner.core.store.rooms().by_id(&event.room).await;
        let is_stored = match row.map_err(|error| unstored(&error))? {
            Some(row) => row.next.is_some(),
            None => !self.is_replacing_in_part().await?,
        };
        Ok(former.as_ref() == Some(&event.sender) && !is_stored)
    }
}

/// Stores up to where a login was read. Not of the former one once all rooms have moved: it is not read any more.
pub(in crate::bridge::rooms) async fn store_mark(tx: &mut Tx, cursor: &str, mark: &RoomMark) -> Result<(), StoreError> {
    if cursor == FORMER_CURSOR && !logins::is_moving(tx).await? {
        return Ok(());
    }
    tx.settings().set_cursor(cursor, &mark.0).await
}

/// Returns the events that count as a login tells them. Takes note of fences.
pub(in crate::bridge::rooms) async fn counted(
    tx: &mut Tx,
    events: &[RoomEvent],
    login: &MatrixUserId,
) -> Result<Vec<RoomEvent>, StoreError> {
    let mut counted = Vec::new();
    for event in events {
        if counts(tx, event, login).await? {
            counted.push(event.clone());
        }
    }
    Ok(counted)
}

async fn counts(tx: &mut Tx, event: &RoomEvent, login: &MatrixUserId) -> Result<bool, StoreError> {
    let is_fence = event.what == RoomEventKind::Fence;
    let Some(row) = tx.rooms().by_id(&event.room).await? else {
        if is_fence && event.sender != *login {
            places::note_read(tx, event).await?;
        }
        return Ok(event.what != RoomEventKind::Replaced || !places::put_in_place(tx, event).await?);
    };
    let is_keeper = row.keeper.as_ref() == Some(login);
    if row.next.is_some() {
        if event.what == RoomEventKind::Replaced {
            tx.rooms().read_fence(&event.room, &event.id, false).await?;
            return Ok(false);
        }
        return Ok(is_keeper);
    }
    if is_fence {
        tx.rooms().read_fence(&event.room, &event.id, is_keeper).await?;
        return Ok(false);
    }
    Ok(match row.fence {
        Some(fence) if is_keeper => fence.keeper_read,
        Some(fence) => !fence.other_read,
        None => is_keeper,
    })
}

/// Returns whether the other login has read all that stands before what this one tells.
pub(in crate::bridge::rooms) async fn may_count(
    store: &Store,
    batch: &RoomBatch,
    login: &MatrixUserId,
) -> Result<bool, StoreError> {
    for (number, event) in batch.events.iter().enumerate() {
        if batch.events[..number].iter().any(|before| before.room == event.room) {
            continue;
        }
        let row = store.rooms().by_id(&event.room).await?;
        if row.is_some_and(|row| waits(&row, batch, login)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn waits(row: &RoomOf, batch: &RoomBatch, login: &MatrixUserId) -> bool {
    let Some(fence) = row.fence.as_ref().filter(|fence| !fence.other_read) else {
        return false;
    };
    let is_fence = |event: &RoomEvent| event.id == fence.event;
    row.keeper.as_ref() == Some(login) && (fence.keeper_read || batch.events.iter().any(is_fence))
}
