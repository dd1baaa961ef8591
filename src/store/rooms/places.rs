//! Places of rooms: the sub-space that each was last put into, and the work that moves it.

use entity::{room, room_place};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::outbox::MatrixWork;
use crate::domain::{AccountId, MatrixRoomId, OutboxId};
use crate::store::facet::{Database, Places};
use crate::store::{NewWork, Store, StoreError, Tx};

/// Where a room is, or is being put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOf {
    /// The room.
    pub room: MatrixRoomId,
    /// Sub-space that it is in, or is being put into.
    pub space: Option<MatrixRoomId>,
    /// Sub-space that it is being taken out of.
    pub previous: Option<MatrixRoomId>,
    /// Whether the homeserver has it so.
    pub is_done: bool,
}

impl<D: Database> Places<'_, D> {
    /// Returns where a room is; `None` if it was never looked at.
    pub async fn of_room(&self, room: &MatrixRoomId) -> Result<Option<PlaceOf>, StoreError> {
        Ok(self.row(room).await?.map(read))
    }

    async fn row(&self, room: &MatrixRoomId) -> Result<Option<room_place::Model>, StoreError> {
        let row = room_place::Entity::find()
            .filter(room_place::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row)
    }
}

impl Places<'_, Store> {
    /// Returns how many rooms are waiting to be moved.
    pub async fn waiting(&self) -> Result<u64, StoreError> {
        let waiting = room_place::Entity::find().filter(room_place::Column::WorkId.is_not_null());
        Ok(waiting.count(self.0.readers()).await?)
    }

    /// Returns conversations' rooms that were never looked at, newest first, at most `limit`.
    pub async fn unknown(&self, limit: u64) -> Result<Vec<MatrixRoomId>, StoreError> {
        let known = Query::select()
            .column(room_place::Column::RoomId)
            .from(room_place::Entity)
            .take();
        let rooms = room::Entity::find()
            .select_only()
            .column(room::Column::RoomId)
            .filter(room::Column::RoomId.is_not_null())
            .filter(room::Column::RoomId.not_in_subquery(known))
            .order_by_desc(room::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(rooms)
    }
}

impl Places<'_, Tx> {
    /// Stores that a room is in no sub-space, unless it is known where it is.
    pub async fn add(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        if self.row(room).await?.is_some() {
            return Ok(());
        }
        let row = room_place::ActiveModel {
            id: NotSet,
            room_id: Set(room.clone()),
            space_id: Set(None),
            previous_id: Set(None),
            is_done: Set(true),
            work_id: Set(None),
            created_at: Set(self.0.now.0),
        };
        room_place::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    /// Queues that a room is put where it belongs. Does nothing for a room that was never looked at, and if that is queued
    /// already.
    pub async fn ask(&self, account: AccountId, room: &MatrixRoomId) -> Result<(), StoreError> {
        let Some(row) = self.row(room).await? else {
            return Ok(());
        };
        if let Some(work) = row.work_id
            && self.0.outbox().get(work).await?.is_some()
        {
            return Ok(());
        }
        let work = NewWork::for_account(account, MatrixWork::Place { room: room.clone() });
        let work = self.0.outbox().enqueue(work).await?;
        self.set_work(room, Some(work)).await
    }

    /// Stores that the work for a room is done: the next change queues other work.
    pub async fn rest(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        self.set_work(room, None).await
    }

    async fn set_work(&self, room: &MatrixRoomId, work: Option<OutboxId>) -> Result<(), StoreError> {
        room_place::Entity::update_many()
            .col_expr(room_place::Column::WorkId, Expr::value(work))
            .filter(room_place::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores where a room is, or is about to be put.
    pub async fn put(&self, place: &PlaceOf) -> Result<(), StoreError> {
        let text = |id: &Option<MatrixRoomId>| id.as_ref().map(|id| id.as_str().to_owned());
        room_place::Entity::update_many()
            .col_expr(room_place::Column::SpaceId, Expr::value(text(&place.space)))
            .col_expr(room_place::Column::PreviousId, Expr::value(text(&place.previous)))
            .col_expr(room_place::Column::IsDone, Expr::value(place.is_done))
            .filter(room_place::Column::RoomId.eq(place.room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes the place of a room that is gone.
    pub async fn remove(&self, room: &MatrixRoomId) -> Result<(), StoreError> {
        room_place::Entity::delete_many()
            .filter(room_place::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Forgets the rooms in a sub-space that is gone: they are looked at anew. One that was on its way there from another is
    /// still in that.
    pub async fn lose(&self, space: &MatrixRoomId) -> Result<(), StoreError> {
        // In this order: MySQL and MariaDB assign from left to right, and read what they have assigned.
        room_place::Entity::update_many()
            .col_expr(room_place::Column::SpaceId, Expr::col(room_place::Column::PreviousId))
            .col_expr(room_place::Column::PreviousId, Expr::value(Option::<String>::None))
            .col_expr(room_place::Column::IsDone, Expr::value(true))
            .filter(room_place::Column::SpaceId.eq(space.as_str()))
            .filter(room_place::Column::PreviousId.is_not_null())
            .exec(&self.0.session)
            .await?;
        room_place::Entity::delete_many()
            .filter(room_place::Column::SpaceId.eq(space.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: room_place::Model) -> PlaceOf {
    PlaceOf {
        room: row.room_id,
        space: row.space_id,
        previous: row.previous_id,
        is_done: row.is_done,
    }
}
