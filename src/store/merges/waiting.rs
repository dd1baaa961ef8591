//! Messages that wait when a merge is undone, and of which nobody can say for which of the two they are.

use std::collections::BTreeSet;

use entity::{merge, message};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::MessageState;
use crate::domain::{ConversationId, CustomerId, MessageId};
use crate::store::database::bounds::{MAX_CHAIN, MAX_NAMED};
use crate::store::facet::Merges;
use crate::store::messages::NOT_HANDED_OVER;
use crate::store::{StoreError, Tx};

use super::Home;
use super::undo::Parting;

impl Merges<'_, Tx> {
    /// Returns the messages that wait and may be for either of the two: written since the merge, to the two as one, and
    /// to no number that their sender named. Call it before anything is given back.
    pub(super) async fn for_either(
        &self,
        kept: CustomerId,
        merge: &merge::Model,
    ) -> Result<Vec<MessageId>, StoreError> {
        let as_one = Home::In(self.above(merge.customer_id).await?);
        let ids = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::CustomerId.eq(kept))
            .filter(message::Column::State.is_in(NOT_HANDED_OVER.map(MessageState::as_str)))
            .filter(message::Column::CreatedAt.gte(merge.created_at))
            .filter(message::Column::Addressee.is_null())
            .filter(as_one.condition())
            .order_by_asc(message::Column::Id)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(ids)
    }

    /// Makes messages that may be for either, and are in a conversation that goes back whole, the restored customer's: they
    /// stay where they were written, and where its room shows them.
    pub(super) async fn leave_in(&self, parting: &Parting, id: ConversationId) -> Result<(), StoreError> {
        for some in parting.for_either.chunks(MAX_NAMED) {
            let these = Condition::all().add(message::Column::Id.is_in(some.iter().copied()));
            self.set_home(id, parting.restored, these).await?;
        }
        Ok(())
    }

    /// Returns a customer into whom another was merged, and all in whom that one went on: whoever wrote to one of them may
    /// have meant the other.
    async fn above(&self, id: CustomerId) -> Result<BTreeSet<CustomerId>, StoreError> {
        let mut above = BTreeSet::new();
        let mut next = Some(id);
        for _ in 0..MAX_CHAIN {
            let Some(id) = next else {
                return Ok(above);
            };
            above.insert(id);
            next = self.0.customers().need(id).await?.merged_into;
        }
        Err(StoreError::corrupt("customers", "merges without an end"))
    }
}
