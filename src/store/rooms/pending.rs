//! Room events that cannot be handled yet: their key has not arrived (rule 1), their room is being made, or their file is
//! being fetched. They are stored, and tried again; later events of a room wait behind them.

use entity::pending_event;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::matrix::RoomEvent;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use crate::store::facet::PendingEvents;

use crate::store::{Store, StoreError, Tx, WorkFor};

/// An event that cannot be handled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    /// Id of the row.
    pub id: i64,
    /// Room of the event.
    pub room: MatrixRoomId,
    /// Id of the event.
    pub event: MatrixEventId,
    /// Sender of the event.
    pub sender: MatrixUserId,
    /// Time of writing, as the sender's homeserver states it.
    pub at: Timestamp,
    /// Time at which we first received it.
    pub first_seen: Timestamp,
    /// Whether a notice about it was sent to the room.
    pub told: bool,
    /// Whether it waits for its file.
    pub has_file: bool,
    /// How often it, or its file, could not be fetched.
    pub attempts: u32,
    /// Until when it waits for its sender's receipt, or for the next try to fetch it or its file.
    pub not_before: Option<Timestamp>,
}

impl PendingEvents<'_, Store> {
    /// Returns at most `limit` events whose room has a notice (`told`) or has none, oldest first, with ids above
    /// `after`. The two are read separately, because an announced event may wait for its key for ever.
    pub async fn list(&self, told: bool, after: i64, limit: u64) -> Result<Vec<PendingEvent>, StoreError> {
        let rows = pending_event::Entity::find()
            .filter(pending_event::Column::Told.eq(told))
            .filter(pending_event::Column::Id.gt(after))
            .order_by_asc(pending_event::Column::Id)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }
}

impl PendingEvents<'_, Store> {
    /// Returns events that can go on now, because their files can be fetched or they have waited for a receipt, oldest first, at most `limit`: of each room the first that waits, and
    /// none of the rooms in `busy`.
    pub async fn with_files(
        &self,
        now: Timestamp,
        busy: &[MatrixRoomId],
        limit: u64,
    ) -> Result<Vec<PendingEvent>, StoreError> {
        let first = Query::select()
            .expr(Expr::col(pending_event::Column::Id).min())
            .from(pending_event::Entity)
            .and_where(pending_event::Column::Told.eq(false))
            .group_by_col(pending_event::Column::RoomId)
            .take();
        let rows = pending_event::Entity::find()
            .filter(pending_event::Column::Id.in_subquery(first))
            .filter(
                pending_event::Column::HasFile
                    .eq(true)
                    .or(pending_event::Column::NotBefore.is_not_null()),
            )
            .filter(
                pending_event::Column::NotBefore
                    .is_null()
                    .or(pending_event::Column::NotBefore.lte(now.0)),
            )
            .filter(pending_event::Column::RoomId.is_not_in(busy.iter().map(MatrixRoomId::as_str)))
            .order_by_asc(pending_event::Column::Id)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Returns the first event of a room that waits.
    pub async fn first_of(&self, room: &MatrixRoomId) -> Result<Option<PendingEvent>, StoreError> {
        let row = waiting_in(room).one(self.0.readers()).await?;
        Ok(row.map(read))
    }
}

impl PendingEvents<'_, Tx> {
    /// Returns whether an event of this room waits, so that later ones wait behind it.
    pub async fn wait_in(&self, room: &MatrixRoomId) -> Result<bool, StoreError> {
        Ok(waiting_in(room).one(&self.0.session).await?.is_some())
    }

    /// Returns all events of a room that wait, the oldest first.
    pub async fn of_room(&self, room: &MatrixRoomId) -> Result<Vec<PendingEvent>, StoreError> {
        let rows = pending_event::Entity::find()
            .filter(pending_event::Column::RoomId.eq(room.as_str()))
            .order_by_asc(pending_event::Column::Id)
            .all(&self.0.session)
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Stores an event that waits for its file.
    pub async fn add_with_file(&self, event: &RoomEvent) -> Result<(), StoreError> {
        self.add(&event.room, &event.id, &event.sender, event.at).await?;
        self.await_file(&event.id).await
    }

    /// Stores an event that waits until then for its sender's receipt, or for the message that it reacts to.
    pub async fn await_receipt(&self, event: &RoomEvent, until: Timestamp) -> Result<(), StoreError> {
        self.add(&event.room, &event.id, &event.sender, event.at).await?;
        self.put_off(&event.id, until).await
    }

    /// Lets an event that waits be handled no earlier than then.
    pub async fn put_off(&self, event: &MatrixEventId, until: Timestamp) -> Result<(), StoreError> {
        pending_event::Entity::update_many()
            .col_expr(pending_event::Column::NotBefore, Expr::value(until.0))
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Lets the events of a sender go on that wait for their receipt, because it has come.
    pub async fn hasten(&self, room: &MatrixRoomId, sender: &MatrixUserId) -> Result<(), StoreError> {
        let updated = pending_event::Entity::update_many()
            .col_expr(pending_event::Column::NotBefore, Expr::value(self.0.now.0))
            .filter(pending_event::Column::RoomId.eq(room.as_str()))
            .filter(pending_event::Column::Sender.eq(sender.as_str()))
            .filter(pending_event::Column::HasFile.is_null())
            .filter(pending_event::Column::NotBefore.gt(self.0.now.0))
            .exec(&self.0.session)
            .await?;
        if updated.rows_affected > 0 {
            self.0.wake(WorkFor::RoomFiles);
        }
        Ok(())
    }

    /// Records that a stored event waits for its file, and for nothing else.
    pub async fn await_file(&self, event: &MatrixEventId) -> Result<(), StoreError> {
        pending_event::Entity::update_many()
            .col_expr(pending_event::Column::HasFile, Expr::value(true))
            .col_expr(pending_event::Column::Told, Expr::value(false))
            .col_expr(pending_event::Column::NotBefore, Expr::value(Option::<i64>::None))
            .col_expr(pending_event::Column::Attempts, Expr::value(Option::<i32>::None))
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        self.0.wake(WorkFor::RoomFiles);
        Ok(())
    }

    /// Postpones the reading of an event or the fetching of its file to `not_before`, and counts the failure.
    pub async fn retry(&self, event: &MatrixEventId, attempts: u32, not_before: Timestamp) -> Result<(), StoreError> {
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        pending_event::Entity::update_many()
            .col_expr(pending_event::Column::Attempts, Expr::value(attempts))
            .col_expr(pending_event::Column::NotBefore, Expr::value(not_before.0))
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Stores an event. Returns whether it is new.
    pub async fn add(
        &self,
        room: &MatrixRoomId,
        event: &MatrixEventId,
        sender: &MatrixUserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let known = pending_event::Entity::find()
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .one(&self.0.session)
            .await?;
        if known.is_some() {
            return Ok(false);
        }
        let row = pending_event::ActiveModel {
            id: NotSet,
            room_id: Set(room.clone()),
            event_id: Set(event.clone()),
            sender: Set(sender.clone()),
            at: Set(at.0),
            first_seen: Set(self.0.now.0),
            told: Set(false),
            has_file: Set(None),
            attempts: Set(None),
            not_before: Set(None),
        };
        pending_event::Entity::insert(row).exec(&self.0.session).await?;
        Ok(true)
    }

    /// Records that the room was sent a notice about this event.
    pub async fn mark_told(&self, event: &MatrixEventId) -> Result<(), StoreError> {
        pending_event::Entity::update_many()
            .col_expr(pending_event::Column::Told, Expr::value(true))
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes an event of this sender. Returns whether it existed.
    pub async fn remove_of(&self, event: &MatrixEventId, sender: &MatrixUserId) -> Result<bool, StoreError> {
        let deleted = pending_event::Entity::delete_many()
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .filter(pending_event::Column::Sender.eq(sender.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Deletes an event. Returns whether it existed.
    pub async fn remove(&self, event: &MatrixEventId) -> Result<bool, StoreError> {
        let deleted = pending_event::Entity::delete_many()
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected > 0)
    }
}

/// Selects the events of a room that wait, and of which its agents were not told, the first one first.
fn waiting_in(room: &MatrixRoomId) -> Select<pending_event::Entity> {
    pending_event::Entity::find()
        .filter(pending_event::Column::RoomId.eq(room.as_str()))
        .filter(pending_event::Column::Told.eq(false))
        .order_by_asc(pending_event::Column::Id)
}

fn read(row: pending_event::Model) -> PendingEvent {
    PendingEvent {
        id: row.id,
        room: row.room_id,
        event: row.event_id,
        sender: row.sender,
        at: Timestamp(row.at),
        first_seen: Timestamp(row.first_seen),
        told: row.told,
        has_file: row.has_file == Some(true),
        attempts: row
            .attempts
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or_default(),
        not_before: row.not_before.map(Timestamp),
    }
}
