//! What is no conversation's: the Space, the room of troubles and the management room. They move before anything else, since
//! every room of a conversation belongs into the Space.

use std::sync::PoisonError;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::bridge::rooms::management::wants::{self, Place};
use crate::bridge::rooms::{gone, spec};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{MatrixError, RoomEvent};
use crate::domain::moving::Logins;
use crate::store::{Store, StoreError, Tx};

use super::logins::{self, CURSOR, FENCE, LOGINS, NEXT, READ};
use super::{Moving, unstored, waits};

impl Moving {
    /// Hands over the Space and the rooms that are no conversation's, once in a run.
    pub(super) fn see_to_places(&self) -> BoxFuture<'_, Result<(), MatrixError>> {
        self.see_to_places_now().boxed()
    }

    async fn see_to_places_now(&self) -> Result<(), MatrixError> {
        let mut is_done = self.inner.has_places.lock().await;
        if *is_done {
            return Ok(());
        }
        let heir = self.heir()?;
        self.introduce().await.map_err(passing)?;
        let core = &self.inner.core;
        // What is written after the fence is read from there on: not before there is such a place.
        let mark = core.store.settings().cursor(CURSOR).await;
        if mark.map_err(|error| unstored(&error))?.is_none() {
            return Err(waits(
                "rooms move to another login, which has not read anything yet".to_owned(),
            ));
        }
        let management = spec::management_alias(core);
        for alias in [
            self.inner.present.space(),
            spec::trouble_alias(core),
            management.clone(),
        ] {
            if alias == management && self.next_management().await? != Place::None {
                self.go_on_replacing(&management).await.map_err(passing)?;
                continue;
            }
            let Some(room) = self.inner.former.find_room(&alias).await.map_err(passing)? else {
                continue;
            };
            let Some(fence) = self.hand(&room, &heir).await.map_err(passing)? else {
                self.replace_place(&room, &alias).await.map_err(passing)?;
                tracing::info!(%room, alias, "the room was replaced");
                continue;
            };
            if alias == management {
                let stored = core.write(fence, |tx, fence| {
                    async move { tx.settings().set(FENCE, Some(fence.as_str())).await }.boxed()
                });
                stored.await.map_err(|error| unstored(&error))?;
            }
            tracing::info!(%room, alias, "the room is the present login's now");
        }
        if self.next_management().await? != Place::None {
            return Err(waits(
                "the management room is replaced, and not read to its end yet".to_owned(),
            ));
        }
        *is_done = true;
        Ok(())
    }

    /// Ends the replacement of the management room that was begun. It has no alias any more.
    async fn go_on_replacing(&self, management: &str) -> Result<(), MatrixError> {
        if !self.is_replacing_in_part().await? {
            return Ok(());
        }
        let place = wants::place_in(&self.inner.core.store).await;
        match place.map_err(|error| unstored(&error))? {
            Place::Room(room) => self.replace_place(&room, management).await,
            Place::None | Place::Making => Ok(()),
        }
    }

    /// Returns whether the replacement of the management room was begun, and its end is not stored.
    pub(super) async fn is_replacing_in_part(&self) -> Result<bool, MatrixError> {
        Ok(self.next_management().await? == Place::Making)
    }

    /// Returns the room that is to replace the management room. There is none if that is gone.
    async fn next_management(&self) -> Result<Place, MatrixError> {
        let store = &self.inner.core.store;
        let read = async {
            let next = Place::read(store.settings().get(NEXT).await?);
            Ok::<_, StoreError>(if has_place(store).await? { next } else { Place::None })
        };
        read.await.map_err(|error| unstored(&error))
    }

    /// Makes both logins known to each other, and stores who has made the rooms from before that was stored.
    async fn introduce(&self) -> Result<(), MatrixError> {
        let (present, former) = (&self.inner.present, &self.inner.former);
        let former_user = super::user_of(&**former, "former")?;
        let logins = {
            let mut logins = self.inner.logins.lock().unwrap_or_else(PoisonError::into_inner);
            logins.add(former.own()?);
            logins.add(present.own()?);
            logins.is_moving = true;
            logins.clone()
        };
        let input = (logins.clone(), former_user);
        let stored = self.inner.core.write(input, |tx, (logins, former)| {
            async move {
                tx.settings().set(LOGINS, Some(&logins.stored())).await?;
                tx.rooms().claim(former).await
            }
            .boxed()
        });
        stored.await.map_err(|error: StoreError| unstored(&error))?;
        former.know(logins.clone());
        present.know(logins);
        Ok(())
    }

    /// Stores that everything has moved.
    pub(super) async fn end(&self) -> Result<(), StoreError> {
        self.inner
            .core
            .write((), |tx, ()| async move { logins::end(tx).await }.boxed())
            .await?;
        let logins = {
            let mut logins = self.inner.logins.lock().unwrap_or_else(PoisonError::into_inner);
            logins.is_moving = false;
            Logins::clone(&logins)
        };
        self.inner.present.know(logins);
        self.inner.over.send_replace(true);
        self.inner.former.close().await;
        Ok(())
    }
}

/// Returns whether the former login has still to read up to the fence of the management room.
pub(super) async fn is_unread(store: &Store) -> Result<bool, StoreError> {
    let fence = store.settings().get(FENCE).await?;
    Ok(fence.is_some() && fence != store.settings().get(READ).await? && has_place(store).await?)
}

async fn has_place(store: &Store) -> Result<bool, StoreError> {
    Ok(matches!(wants::place_in(store).await?, Place::Room(_)))
}

/// Stores that the former login has read up to a fence in a room of no conversation.
pub(super) async fn note_read(tx: &mut Tx, event: &RoomEvent) -> Result<(), StoreError> {
    tx.settings().set(READ, Some(event.id.as_str())).await
}

/// Puts the next management room in the place of the one that this event ended. Returns whether it is that end.
pub(super) async fn put_in_place(tx: &mut Tx, end: &RoomEvent) -> Result<bool, StoreError> {
    if tx.settings().get(FENCE).await?.as_deref() != Some(end.id.as_str()) {
        return Ok(false);
    }
    note_read(tx, end).await?;
    if let Some(next) = tx.settings().get(NEXT).await? {
        let next = MatrixRoomId(next);
        tx.outbox().move_to_room(&end.room, &next).await?;
        gone::forget(tx, &end.room).await?;
        wants::set_place(tx, &Place::Room(next)).await?;
        tx.settings().set(NEXT, None).await?;
    }
    Ok(true)
}

/// Returns a refusal as something that passes: nothing can be shown before these places have moved, and nothing is given up.
fn passing(error: MatrixError) -> MatrixError {
    match error {
        MatrixError::Refused(why) | MatrixError::RoomGone(why) => {
            tracing::warn!(
                "the Space, or the room of troubles or managers, cannot be taken over from the former login: {why}"
            );
            waits(why)
        }
        passing @ MatrixError::Unreachable { .. } => passing,
    }
}
