//! Puts a room into the sub-space where its conversation belongs. Where it is about to go is stored first: after a crash what
//! was begun is ended, and only then the next move begins, so that a room is in two of them for a moment at most.

use futures_util::FutureExt;

use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::domain::MatrixRoomId;
use crate::domain::matrix::MatrixError;
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::sub_space::SubSpace;
use crate::store::{PlaceOf, StoreError};

use super::{People, ask, forget, known, place_of, set, spec};

/// Moves in one piece of work: one that a crash has interrupted, and the one that is wanted now.
const MOVES: usize = 2;

impl RoomRelay {
    /// Puts a room where its conversation belongs. A room that shows none any more is taken out.
    pub(in crate::bridge::rooms) async fn place(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
    ) -> Result<(), Undone> {
        let Some(spaces) = self.port.own_homeserver() else {
            return Ok(self.finish(item).await?);
        };
        for _ in 0..MOVES {
            let place = self.wanted_place(room).await?;
            let wanted = match place {
                Some(place) => Some(self.sub_space(spaces, place).await?),
                None => None,
            };
            let Some(begun) = self.begin_move(room, wanted).await? else {
                break;
            };
            self.carry_out(spaces, place, &begun).await?;
        }
        Ok(self.end_move(item, room).await?)
    }

    async fn wanted_place(&self, room: &MatrixRoomId) -> Result<Option<SubSpace>, StoreError> {
        let store = &self.core.store;
        let Some(id) = store.rooms().conversation(room).await? else {
            return Ok(None);
        };
        let conversation = store.conversations().get(id).await?;
        let agents = store.agents().list().await?;
        Ok(conversation.map(|conversation| place_of(&conversation, &agents)))
    }

    /// Returns a sub-space, made if there is none.
    async fn sub_space(&self, spaces: &dyn OwnHomeserver, place: SubSpace) -> Result<MatrixRoomId, Undone> {
        let store = &self.core.store;
        if let Some(known) = known(store, place).await? {
            return Ok(known);
        }
        let people = People::now(store).await?;
        let space = spaces
            .ensure_sub_space(&spec(&self.core.instance, place, &people))
            .await?;
        self.core
            .write((place, space.clone()), |tx, (place, space)| {
                async move { set(tx, *place, space).await }.boxed()
            })
            .await?;
        Ok(space)
    }

    /// Stores where a room is about to go. Returns the move, or the one before if that did not end; `None` if the room is
    /// there.
    async fn begin_move(
        &self,
        room: &MatrixRoomId,
        wanted: Option<MatrixRoomId>,
    ) -> Result<Option<PlaceOf>, StoreError> {
        self.core
            .write((room.clone(), wanted), |tx, (room, wanted)| {
                async move {
                    let Some(place) = tx.places().of_room(room).await? else {
                        return Ok(None);
                    };
                    if !place.is_done {
                        return Ok(Some(place));
                    }
                    if place.space == *wanted {
                        return Ok::<_, StoreError>(None);
                    }
                    let begun = PlaceOf {
                        previous: place.space,
                        space: wanted.clone(),
                        is_done: false,
                        ..place
                    };
                    tx.places().put(&begun).await?;
                    Ok(Some(begun))
                }
                .boxed()
            })
            .await
    }

    /// Makes a move at the homeserver: first in, then out, so that nobody looks for the room in vain.
    async fn carry_out(
        &self,
        spaces: &dyn OwnHomeserver,
        place: Option<SubSpace>,
        begun: &PlaceOf,
    ) -> Result<(), Undone> {
        if let Some(space) = &begun.space {
            match spaces.put_into(space, &begun.room, true).await {
                Err(MatrixError::RoomGone(why)) => {
                    self.lose(place, space.clone()).await?;
                    return Err(Undone::Port(MatrixError::Refused(format!(
                        "the sub-space {space} is gone: {why}"
                    ))));
                }
                done => done?,
            }
        }
        if let Some(previous) = &begun.previous {
            match spaces.put_into(previous, &begun.room, false).await {
                // It is gone, or no longer ours: nothing of the desk is shown there.
                Err(MatrixError::RoomGone(why) | MatrixError::Refused(why)) => {
                    tracing::warn!(room = %begun.room, space = %previous, "a room could not be taken out of a sub-space: {why}");
                }
                done => done?,
            }
        }
        let done = PlaceOf {
            previous: None,
            is_done: true,
            ..begun.clone()
        };
        self.core
            .write(done, |tx, done| async move { tx.places().put(done).await }.boxed())
            .await?;
        Ok(())
    }

    /// Forgets a sub-space that is gone; the next try makes another. The rooms that were in it are put there by and by.
    async fn lose(&self, place: Option<SubSpace>, space: MatrixRoomId) -> Result<(), StoreError> {
        tracing::warn!(%space, "a sub-space is gone; making another");
        self.core
            .write((place, space), |tx, (place, space)| {
                async move {
                    match place {
                        Some(place) => forget(tx, *place, space).await,
                        None => tx.places().lose(space).await,
                    }
                }
                .boxed()
            })
            .await
    }

    /// Ends the work. What has changed since it began is queued anew.
    async fn end_move(&self, item: &OutboxItem<MatrixWork>, room: &MatrixRoomId) -> Result<(), StoreError> {
        let input = (item.id, item.account_id, room.clone());
        self.core
            .write(input, |tx, (item, account, room)| {
                async move {
                    tx.outbox().finish(*item).await?;
                    tx.places().rest(room).await?;
                    if tx.rooms().conversation(room).await?.is_none() {
                        return tx.places().remove(room).await;
                    }
                    ask(tx, *account, room).await
                }
                .boxed()
            })
            .await
    }
}
