//! Merging two customers.

use std::collections::BTreeSet;

use entity::{conversation, customer, customer_identity, merge, message};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};

use crate::domain::merge::{Joined, Merged};
use crate::domain::{CustomerId, MergeId};
use crate::store::database::row::{from_json, to_json};
use crate::store::facet::Merges;
use crate::store::{StoreError, Tx, customers};

use super::standing::{Snooze, joined, standing};
use super::{Home, Moved, MovedConversation, OptOut, OptOutBefore};

impl Merges<'_, Tx> {
    /// Merges the customer `merged` into the customer `id`, who stays. `made_by` is the person who decided it; `None`
    /// when WhatsApp reported it. Fails with [`StoreError::Conflict`] when the two are the same, or when one of them
    /// was merged already.
    pub async fn merge(&self, id: CustomerId, merged: CustomerId, made_by: Option<&str>) -> Result<Merged, StoreError> {
        self.lock(&[id, merged]).await?;
        let (kept, gone) = (
            self.0.customers().need(id).await?,
            self.0.customers().need(merged).await?,
        );
        if id == merged || kept.merged_into.is_some() || gone.merged_into.is_some() {
            return Err(StoreError::Conflict("these customers are merged already".to_owned()));
        }
        let mut moved = Moved {
            opt_out: OptOutBefore::of(&kept),
            ..Moved::default()
        };
        for from in self.0.conversations().rows_of_customer(merged).await? {
            let to = self.0.conversations().row_of_customer(from.account_id, id).await?;
            match to {
                Some(to) => moved.conversations.push(self.join(&to, &from, id).await?),
                None => self.hand_over_conversation(&from, id).await?,
            }
        }
        let behind: BTreeSet<_> = moved
            .conversations
            .iter()
            .map(|one| one.joined.merged_conversation_id)
            .collect();
        let rest = Condition::all()
            .add(message::Column::CustomerId.eq(merged))
            .add(message::Column::ConversationId.is_not_in(behind));
        self.move_messages(rest, None, id).await?;
        self.hand_over_identities(merged, id).await?;
        self.0.labels().merge(merged, id).await?;
        moved.attributes = self.end_customer(&kept, &gone).await?;
        if made_by.is_some() {
            self.let_together(id, merged).await?;
        }
        let merge_id = self.note(id, merged, made_by, &moved).await?;
        self.0.customers().refresh(id).await?;
        if let Some(OptOut { at, by }) = OptOut::of(&gone) {
            // A person who opted out under one name has opted out under the other too. Undoing the merge keeps the
            // opt-out, to be on the safe side.
            self.0.opt_outs().add(id, at, &by).await?;
        }
        self.merged(merge_id).await
    }

    /// Returns the report of a merge that was just made.
    async fn merged(&self, id: MergeId) -> Result<Merged, StoreError> {
        let missing = StoreError::Missing { what: "merge" };
        let merge = self.get(id).await?.ok_or(missing)?;
        Ok(Merged {
            merge_id: id,
            automatic: merge.automatic,
            customer: customers::read(self.0.customers().need(merge.customer_id).await?)?,
            merged_customer_id: merge.merged_customer_id,
            conversations: self.0.conversations().live_of_customer(merge.customer_id).await?,
            joined: merge.conversations.clone(),
            merge,
        })
    }

    /// Locks customers and their conversations until the commit, always in the same order: how the conversations stand is
    /// read and written again here, and another process may change it. SQLite has one writer for the whole database.
    pub(super) async fn lock(&self, ids: &[CustomerId]) -> Result<(), StoreError> {
        if self.0.session.get_database_backend() != DbBackend::Sqlite {
            customer::Entity::find()
                .filter(customer::Column::Id.is_in(ids.iter().copied()))
                .order_by_asc(customer::Column::Id)
                .lock_exclusive()
                .all(&self.0.session)
                .await?;
            conversation::Entity::find()
                .filter(conversation::Column::CustomerId.is_in(ids.iter().copied()))
                .order_by_asc(conversation::Column::Id)
                .lock_exclusive()
                .all(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Merges a conversation into another of the same account.
    async fn join(
        &self,
        to: &conversation::Model,
        from: &conversation::Model,
        customer: CustomerId,
    ) -> Result<MovedConversation, StoreError> {
        self.gather(from.id, to.id, customer, &Home::Any).await?;
        let room = self.0.rooms().hand_over(from.id, to.id).await?;
        let ended = conversation::ActiveModel {
            merged_into: Set(Some(to.id)),
            chat_id: Set(None),
            unread_count: Set(0),
            waiting_since: Set(None),
            snoozed_until: Set(None),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(from.id, ended).await?;
        // Answers go to the chat with the last activity.
        let later = from.chat_id.is_some() && (to.chat_id.is_none() || from.active_at > to.active_at);
        let before = standing(from)?;
        let stands = joined(standing(to)?, before);
        let goes_to = if to.assignee_id.is_some() { to } else { from };
        let waiting_since = [to.waiting_since, from.waiting_since].into_iter().flatten().min();
        let goes_on = conversation::ActiveModel {
            chat_id: Set(if later {
                from.chat_id.clone()
            } else {
                to.chat_id.clone()
            }),
            unread_count: Set(to.unread_count + from.unread_count),
            status: Set(stands.status.to_string()),
            assignee: Set(goes_to.assignee.clone()),
            assignee_id: Set(goes_to.assignee_id),
            waiting_since: Set(waiting_since),
            snoozed_until: Set(stands.until.map(|until| until.0)),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(to.id, goes_on).await?;
        self.0.notes().hand_over(from.id, to.id).await?;
        self.0.labels().hand_over(from.id, to.id).await?;
        self.recount(to.id).await?;
        Ok(MovedConversation {
            joined: Joined {
                account_id: to.account_id,
                conversation_id: to.id,
                merged_conversation_id: from.id,
            },
            chat: to.chat_id.clone(),
            merged_chat: from.chat_id.clone(),
            room,
            snooze: Snooze::of(before),
        })
    }

    /// Gives a whole conversation to a customer who has none in that account.
    async fn hand_over_conversation(&self, row: &conversation::Model, to: CustomerId) -> Result<(), StoreError> {
        let change = conversation::ActiveModel {
            customer_id: Set(Some(to)),
            home_id: Set(row.home_id.or(row.customer_id)),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(row.id, change).await
    }

    async fn hand_over_identities(&self, from: CustomerId, to: CustomerId) -> Result<(), StoreError> {
        customer_identity::Entity::update_many()
            .col_expr(
                customer_identity::Column::HomeId,
                Func::coalesce([
                    Expr::col(customer_identity::Column::HomeId),
                    Expr::col(customer_identity::Column::CustomerId),
                ])
                .into(),
            )
            .filter(customer_identity::Column::CustomerId.eq(from))
            .exec(&self.0.session)
            .await?;
        customer_identity::Entity::update_many()
            .col_expr(customer_identity::Column::CustomerId, Expr::value(to))
            .filter(customer_identity::Column::CustomerId.eq(from))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Ends a customer, and gives the kept customer the attributes that it lacks. Returns the attributes that were taken.
    async fn end_customer(
        &self,
        kept: &customer::Model,
        gone: &customer::Model,
    ) -> Result<Map<String, Value>, StoreError> {
        let mut attributes: Map<String, Value> = from_json("customers", &kept.attributes)?;
        let mut taken: Map<String, Value> = from_json("customers", &gone.attributes)?;
        taken.retain(|key, _| !attributes.contains_key(key));
        attributes.extend(taken.clone());
        let ended = customer::ActiveModel {
            merged_into: Set(Some(kept.id)),
            phone: Set(None),
            unread_count: Set(0),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(gone.id, ended).await?;
        let goes_on = customer::ActiveModel {
            attributes: Set(to_json(&attributes)?),
            unread_count: Set(kept.unread_count + gone.unread_count),
            // The chat to answer in may now be the other's, with another avatar.
            photo_due_at: Set(None),
            ..customer::ActiveModel::default()
        };
        self.0.customers().change(kept.id, goes_on).await?;
        Ok(taken)
    }

    async fn note(
        &self,
        id: CustomerId,
        merged: CustomerId,
        made_by: Option<&str>,
        moved: &Moved,
    ) -> Result<MergeId, StoreError> {
        let row = merge::ActiveModel {
            id: NotSet,
            customer_id: Set(id),
            merged_customer_id: Set(merged),
            automatic: Set(made_by.is_none()),
            made_by: Set(made_by.map(ToOwned::to_owned)),
            moved: Set(to_json(moved)?),
            created_at: Set(self.0.now.0),
            undone_at: Set(None),
            undone_by: Set(None),
        };
        Ok(merge::Entity::insert(row).exec(&self.0.session).await?.last_insert_id)
    }
}
