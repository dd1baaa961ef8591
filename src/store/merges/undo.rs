//! Undoing a merge of two customers.

use std::collections::BTreeSet;

use entity::{customer, customer_identity, merge, message};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde_json::{Map, Value};

use crate::domain::merge::Parted;
use crate::domain::{CustomerId, MergeId, MessageId};
use crate::store::database::bounds::MAX_CHAIN;
use crate::store::database::row::{from_json, to_json};
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx, customers};

use super::{Home, OptOut, OptOutBefore, moved};

/// The customers that an undo splits.
pub(super) struct Parting {
    /// Customer who has everything so far.
    pub kept: CustomerId,
    /// Customer who is restored.
    pub restored: CustomerId,
    /// The restored customer and all who were merged into them: their homes are the restored customer's.
    pub theirs: BTreeSet<CustomerId>,
    /// Row of the merge that is undone.
    pub merge: merge::Model,
    /// Messages that wait and may be for either of the two.
    pub for_either: Vec<MessageId>,
}

impl Merges<'_, Tx> {
    /// Undoes a merge: gives the restored customer what was theirs, and what came in by their identities since. Stores
    /// that a person keeps the two apart from now on. Fails with [`StoreError::Conflict`] when it was undone already.
    pub async fn undo(&self, id: MergeId, by: &str) -> Result<Parted, StoreError> {
        let row = merge::Entity::find_by_id(id).one(&self.0.session).await?;
        let merge = row.ok_or(StoreError::Missing { what: "merge" })?;
        let restored = merge.merged_customer_id;
        let kept = self.lock_with_survivor(merge.customer_id, restored).await?;
        let is_merged = self.0.customers().need(restored).await?.merged_into == Some(merge.customer_id);
        if merge.undone_at.is_some() || !is_merged {
            return Err(StoreError::Conflict("this merge is undone already".to_owned()));
        }
        let apart = customer::ActiveModel {
            merged_into: Set(None),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(restored, apart).await?;
        let parting = Parting {
            kept,
            restored,
            theirs: self.with_merged(restored).await?,
            for_either: self.for_either(kept, &merge).await?,
            merge,
        };
        self.give_back_identities(&parting).await?;
        self.0.labels().part(kept, restored, &parting.theirs).await?;
        for conversation in self.0.conversations().rows_of_customer(kept).await? {
            self.part(&parting, &conversation).await?;
        }
        let rest = Condition::all()
            .add(message::Column::CustomerId.eq(kept))
            .add(message::Column::HomeId.is_in(parting.theirs.iter().copied()));
        self.move_messages(rest, None, restored).await?;
        for id in [kept, restored] {
            self.unhide(id).await?;
            self.recount_customer(id).await?;
        }
        self.give_back_attributes(&parting).await?;
        // A customer who loses a number must lose it before another takes it: the column is unique.
        self.0.customers().refresh(kept).await?;
        self.0.customers().refresh(restored).await?;
        let opted_out = self.keep_opt_outs(&parting).await?;
        self.keep_apart(parting.merge.customer_id, restored).await?;
        self.note_undone(id, by).await?;
        Ok(Parted {
            opted_out,
            ..self.parted(&parting).await?
        })
    }

    /// Locks the customer who goes on as `id`, and `restored`, until the commit. Returns the former: another process may merge
    /// that one into a third while the lock is waited for.
    async fn lock_with_survivor(&self, id: CustomerId, restored: CustomerId) -> Result<CustomerId, StoreError> {
        let mut kept = self.0.customers().surviving(id).await?;
        for _ in 0..MAX_CHAIN {
            self.lock(&[kept, restored]).await?;
            let now = self.0.customers().surviving(id).await?;
            if now == kept {
                return Ok(kept);
            }
            kept = now;
        }
        Err(StoreError::Busy(format!(
            "customer {id} is merged again and again by others"
        )))
    }

    /// Lets an opt-out hold for each of the two who may have meant it: one that was noted since the merge for both, and
    /// the kept customer's own of before although somebody has opted in since. Returns the customer who is opted out by
    /// this.
    async fn keep_opt_outs(&self, parting: &Parting) -> Result<Option<CustomerId>, StoreError> {
        let before = moved(&parting.merge)?.opt_out;
        let now = OptOut::of(&self.0.customers().need(parting.kept).await?);
        match (before, now) {
            (before, Some(now)) if self.was_said_since(parting, &before, &now).await? => {
                let added = self.0.opt_outs().add(parting.restored, now.at, &now.by).await?;
                Ok(added.map(|customer| customer.id))
            }
            (OptOutBefore::Had(before), None) => {
                // Not by `add`: for it the opt-in, which may be the other's, is the last word.
                let change = customer::ActiveModel {
                    opted_out_at: Set(Some(before.at.0)),
                    opted_out_by: Set(Some(before.by)),
                    ..customer::ActiveModel::default()
                };
                self.0.customers().change(parting.kept, change).await?;
                Ok(Some(parting.kept))
            }
            _ => Ok(None),
        }
    }

    /// Returns whether an opt-out was noted since the merge: neither the kept customer had it before, nor any of those into
    /// whom that one was merged since.
    async fn was_said_since(&self, parting: &Parting, before: &OptOutBefore, now: &OptOut) -> Result<bool, StoreError> {
        let is_known = |before: &OptOutBefore, merge: &merge::Model| match before {
            OptOutBefore::Had(before) => before == now,
            OptOutBefore::None => false,
            OptOutBefore::Unknown => now.at.0 < merge.created_at,
        };
        if is_known(before, &parting.merge) {
            return Ok(false);
        }
        let mut holder = parting.merge.customer_id;
        for _ in 0..MAX_CHAIN {
            let Some(onward) = self.row_that_ended(holder).await? else {
                return Ok(true);
            };
            if is_known(&moved(&onward)?.opt_out, &onward) {
                return Ok(false);
            }
            holder = onward.customer_id;
        }
        Err(StoreError::corrupt("customers", "merges without an end"))
    }

    async fn parted(&self, parting: &Parting) -> Result<Parted, StoreError> {
        let missing = StoreError::Missing { what: "merge" };
        let merge = self.get(parting.merge.id).await?.ok_or(missing)?;
        let mut conversations = self.0.conversations().live_of_customer(parting.kept).await?;
        conversations.extend(self.0.conversations().live_of_customer(parting.restored).await?);
        Ok(Parted {
            merge_id: merge.id,
            merge,
            customer: customers::read(self.0.customers().need(parting.kept).await?)?,
            restored: customers::read(self.0.customers().need(parting.restored).await?)?,
            conversations,
            opted_out: None,
            for_either: parting.for_either.clone(),
        })
    }

    async fn give_back_identities(&self, parting: &Parting) -> Result<(), StoreError> {
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::CustomerId, Expr::value(parting.restored))
            .filter(customer_identity::Column::CustomerId.eq(parting.kept))
            .filter(customer_identity::Column::HomeId.is_in(parting.theirs.iter().copied()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Removes the attributes that the merge added and nobody has changed, from the customer who took them and from those in
    /// whom that one has gone on since; the restored customer still has them.
    async fn give_back_attributes(&self, parting: &Parting) -> Result<(), StoreError> {
        let mut taken = moved(&parting.merge)?.attributes;
        let mut holder = parting.merge.customer_id;
        for _ in 0..MAX_CHAIN {
            if taken.is_empty() {
                return Ok(());
            }
            let row = self.0.customers().need(holder).await?;
            let mut attributes: Map<String, Value> = from_json("customers", &row.attributes)?;
            attributes.retain(|key, value| taken.get(key) != Some(value));
            let change = customer::ActiveModel {
                attributes: Set(to_json(&attributes)?),
                ..customer::ActiveModel::default()
            };
            self.0.customers().change(holder, change).await?;
            let (Some(next), Some(onward)) = (row.merged_into, self.row_that_ended(holder).await?) else {
                return Ok(());
            };
            // The next has those of them that it did not have itself; that merge has not given them any more.
            let mut record = moved(&onward)?;
            taken.retain(|key, value| record.attributes.get(key) == Some(value));
            record.attributes.retain(|key, _| !taken.contains_key(key));
            let change = merge::ActiveModel {
                moved: Set(to_json(&record)?),
                ..merge::ActiveModel::default()
            };
            self.change_row(onward.id, change).await?;
            holder = next;
        }
        Err(StoreError::corrupt("customers", "merges without an end"))
    }

    /// Shows the hidden messages of which the customer's live conversations have no double any more.
    async fn unhide(&self, id: CustomerId) -> Result<(), StoreError> {
        for conversation in self.0.conversations().rows_of_customer(id).await? {
            for ended in self.ended_in(conversation.id).await? {
                let moved = self.gather(ended.id, conversation.id, id, &Home::Any).await?;
                if moved > 0 {
                    self.recount(conversation.id).await?;
                }
            }
        }
        Ok(())
    }

    /// Computes again the counts that depend on the customer's conversations.
    async fn recount_customer(&self, id: CustomerId) -> Result<(), StoreError> {
        let conversations = self.0.conversations().rows_of_customer(id).await?;
        let change = customer::ActiveModel {
            unread_count: Set(conversations.iter().map(|one| one.unread_count).sum()),
            photo_due_at: Set(None),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(id, change).await
    }

    async fn note_undone(&self, id: MergeId, by: &str) -> Result<(), StoreError> {
        let change = merge::ActiveModel {
            undone_at: Set(Some(self.0.now.0)),
            undone_by: Set(Some(by.to_owned())),
            ..merge::ActiveModel::default()
        };
        self.change_row(id, change).await
    }

    async fn change_row(&self, id: MergeId, change: merge::ActiveModel) -> Result<(), StoreError> {
        merge::Entity::update_many()
            .set(change)
            .filter(merge::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}
