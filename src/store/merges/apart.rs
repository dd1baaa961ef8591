//! Decisions of people that two customers are different. Such a decision holds until a person merges the two, or until
//! WhatsApp reports identities that were not known at the time of the decision.

use std::collections::BTreeSet;

use entity::customer_apart;
use entity::customer_apart::Column;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::domain::CustomerId;
use crate::domain::customer::Identity;
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx};

impl Merges<'_, Tx> {
    /// Returns whether a person's decision forbids merging these two. `told` are the identities that WhatsApp reported
    /// as one person's.
    pub(in crate::store) async fn are_kept_apart(
        &self,
        one: CustomerId,
        other: CustomerId,
        told: &[Identity],
    ) -> Result<bool, StoreError> {
        let kept = self.kept_apart(one, other).await?;
        let Some(newest) = kept.iter().map(|row| row.newest_identity).max() else {
            return Ok(false);
        };
        let known = self.0.identities().known(told).await?;
        let of = |customer| known.iter().filter(move |row| row.customer_id == customer);
        // The decision covers a pair of identities that were both known then, even if others are reported with it.
        Ok(of(one).any(|a| of(other).any(|b| a.id.max(b.id) <= newest)))
    }

    /// Stores a person's decision that the two are different.
    pub(super) async fn keep_apart(&self, one: CustomerId, other: CustomerId) -> Result<(), StoreError> {
        let (first, second) = (one.min(other), one.max(other));
        customer_apart::Entity::delete_many()
            .filter(Column::FirstId.eq(first))
            .filter(Column::SecondId.eq(second))
            .exec(&self.0.session)
            .await?;
        let row = customer_apart::ActiveModel {
            id: NotSet,
            first_id: Set(first),
            second_id: Set(second),
            newest_identity: Set(self.0.identities().newest().await?),
            created_at: Set(self.0.now.0),
        };
        customer_apart::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    /// Deletes the decisions that the two are different: a person has merged them.
    pub(super) async fn let_together(&self, one: CustomerId, other: CustomerId) -> Result<(), StoreError> {
        let kept = self.kept_apart(one, other).await?;
        customer_apart::Entity::delete_many()
            .filter(Column::Id.is_in(kept.iter().map(|row| row.id)))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Returns the decisions about these two, or about customers merged into them.
    async fn kept_apart(&self, one: CustomerId, other: CustomerId) -> Result<Vec<customer_apart::Model>, StoreError> {
        let ones = self.with_merged(one).await?;
        let others = self.with_merged(other).await?;
        let rows = customer_apart::Entity::find()
            .filter(
                Condition::all()
                    .add(Column::FirstId.is_in(ones.union(&others).copied()))
                    .add(Column::SecondId.is_in(ones.union(&others).copied())),
            )
            .all(&self.0.session)
            .await?;
        let is_between = |row: &customer_apart::Model| {
            let one_way = ones.contains(&row.first_id) && others.contains(&row.second_id);
            one_way || ones.contains(&row.second_id) && others.contains(&row.first_id)
        };
        Ok(rows.into_iter().filter(is_between).collect())
    }

    /// Returns a customer and all who were merged into them.
    pub(super) async fn with_merged(&self, id: CustomerId) -> Result<BTreeSet<CustomerId>, StoreError> {
        let merged = self.0.customers().merged_into(id).await?;
        Ok(std::iter::once(id).chain(merged.iter().map(|row| row.id)).collect())
    }
}
