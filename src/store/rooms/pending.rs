//! Room events that could not be decrypted yet (rule 1): stored, announced in the room, and tried again.

use entity::pending_event;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use crate::store::facet::PendingEvents;

use crate::store::{Store, StoreError, Tx};

/// An event whose key has not arrived.
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

impl PendingEvents<'_, Tx> {
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

    /// Deletes an event. Returns whether it existed.
    pub async fn remove(&self, event: &MatrixEventId) -> Result<bool, StoreError> {
        let deleted = pending_event::Entity::delete_many()
            .filter(pending_event::Column::EventId.eq(event.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected > 0)
    }
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
    }
}
