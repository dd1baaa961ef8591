//! Room events that stay inside: notes, commands, and what the bot says itself. An answer to one of them never goes to a
//! customer, and a command that is here was done.

use entity::internal_event;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::{MatrixEventId, NoteId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::{Database, InternalEvents};
use crate::store::{Store, StoreError, Tx};

/// Most events deleted in one transaction, so that pruning does not block other writers for long.
const PRUNE_STEP: u64 = 500;
/// Most events of one note: the one that wrote it, and those that show it in rooms.
const MAX_OF_NOTE: u64 = 100;

impl<D: Database> InternalEvents<'_, D> {
    /// Returns what is known of an event that stays inside; `None` if it is none, or was pruned.
    pub async fn get(&self, event: &MatrixEventId) -> Result<Option<InternalEvent>, StoreError> {
        let row = internal_event::Entity::find()
            .filter(internal_event::Column::EventId.eq(event.as_str()))
            .one(self.0.connection())
            .await?;
        row.map(read).transpose()
    }

    /// Returns the events that wrote or show a note.
    pub async fn of_note(&self, note: NoteId) -> Result<Vec<InternalEvent>, StoreError> {
        let rows = internal_event::Entity::find()
            .filter(internal_event::Column::NoteId.eq(note))
            .order_by_asc(internal_event::Column::Id)
            .limit(MAX_OF_NOTE)
            .all(self.0.connection())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

impl InternalEvents<'_, Store> {
    /// Deletes events that are older than `before`, and returns how many. Notes and cards stay.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        for kind in InternalKind::ALL
            .iter()
            .copied()
            .filter(|kind| !matches!(kind, InternalKind::Note | InternalKind::Card))
        {
            loop {
                let pruned = self.0.write((kind, before), |tx, &(kind, before)| {
                    Box::pin(async move { tx.internal_events().prune_step(kind, before).await })
                });
                let pruned = pruned.await?;
                count += pruned;
                if pruned < PRUNE_STEP {
                    break;
                }
            }
        }
        Ok(count)
    }
}

impl InternalEvents<'_, Tx> {
    /// Stores that an event stays inside, unless that is stored. Returns whether it is new.
    pub async fn add(&self, event: &InternalEvent) -> Result<bool, StoreError> {
        if self.get(&event.event).await?.is_some() {
            return Ok(false);
        }
        let row = internal_event::ActiveModel {
            id: NotSet,
            room_id: Set(event.room.clone()),
            event_id: Set(event.event.clone()),
            kind: Set(event.kind.to_string()),
            note_id: Set(event.note),
            message_id: Set(event.message),
            created_at: Set(self.0.now.0),
        };
        internal_event::Entity::insert(row).exec(&self.0.session).await?;
        Ok(true)
    }

    async fn prune_step(&self, kind: InternalKind, before: Timestamp) -> Result<u64, StoreError> {
        let old: Vec<i64> = internal_event::Entity::find()
            .select_only()
            .column(internal_event::Column::Id)
            .filter(internal_event::Column::Kind.eq(kind.as_str()))
            .filter(internal_event::Column::CreatedAt.lt(before.0))
            .order_by_asc(internal_event::Column::CreatedAt)
            .limit(PRUNE_STEP)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let deleted = internal_event::Entity::delete_many()
            .filter(internal_event::Column::Id.is_in(old))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected)
    }
}

fn read(row: internal_event::Model) -> Result<InternalEvent, StoreError> {
    Ok(InternalEvent {
        kind: word("internal_events", &row.kind)?,
        room: row.room_id,
        event: row.event_id,
        note: row.note_id,
        message: row.message_id,
    })
}
