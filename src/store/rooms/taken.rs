//! Room events that were taken in. A homeserver may bring an event again, by a push or a sync: it counts once.

use std::collections::HashSet;

use entity::taken_event;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::matrix::RoomEvent;
use crate::domain::{MatrixEventId, Timestamp};
use crate::store::facet::{Database, TakenEvents};
use crate::store::{Store, StoreError, Tx};

/// Most events in one statement.
const STEP: usize = 200;
/// Most events deleted in one transaction, so that pruning does not block other writers for long.
const PRUNE_STEP: u64 = 500;

impl<D: Database> TakenEvents<'_, D> {
    /// Returns which of these events were taken in.
    pub async fn among(&self, events: &[RoomEvent]) -> Result<HashSet<MatrixEventId>, StoreError> {
        let mut all = HashSet::new();
        for some in events.chunks(STEP) {
            let taken: Vec<String> = taken_event::Entity::find()
                .select_only()
                .column(taken_event::Column::EventId)
                .filter(taken_event::Column::EventId.is_in(some.iter().map(|event| event.id.as_str())))
                .into_tuple()
                .all(self.0.connection())
                .await?;
            all.extend(taken.into_iter().map(MatrixEventId));
        }
        Ok(all)
    }
}

impl TakenEvents<'_, Tx> {
    /// Stores that events are taken in, and returns those that were not before. Takes two statements for up to [`STEP`] events.
    pub async fn add(&self, events: &[RoomEvent]) -> Result<HashSet<MatrixEventId>, StoreError> {
        let mut all = HashSet::new();
        for some in events.chunks(STEP) {
            let taken = self.among(some).await?;
            let ids = some.iter().map(|event| &event.id);
            let fresh: HashSet<MatrixEventId> = ids.filter(|id| !taken.contains(*id)).cloned().collect();
            let rows = fresh.iter().map(|event| taken_event::ActiveModel {
                event_id: Set(event.to_string()),
                taken_at: Set(self.0.now.0),
            });
            if !fresh.is_empty() {
                taken_event::Entity::insert_many(rows)
                    .exec_without_returning(&self.0.session)
                    .await?;
            }
            all.extend(fresh);
        }
        Ok(all)
    }

    async fn prune_step(&self, before: Timestamp) -> Result<u64, StoreError> {
        let old: Vec<String> = taken_event::Entity::find()
            .select_only()
            .column(taken_event::Column::EventId)
            .filter(taken_event::Column::TakenAt.lt(before.0))
            .order_by_asc(taken_event::Column::TakenAt)
            .limit(PRUNE_STEP)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let deleted = taken_event::Entity::delete_many()
            .filter(taken_event::Column::EventId.is_in(old))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected)
    }
}

impl TakenEvents<'_, Store> {
    /// Deletes events that were taken in before `before`, and returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let pruned = self.0.write(before, |tx, &before| {
                Box::pin(async move { tx.taken_events().prune_step(before).await })
            });
            let pruned = pruned.await?;
            count += pruned;
            if pruned < PRUNE_STEP {
                return Ok(count);
            }
        }
    }
}
