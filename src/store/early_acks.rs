//! Acks of outside gateways that came before their messages. Each waits for its message, but not for ever.

use entity::early_ack;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::{AccountId, Timestamp, WaMessageId};
use crate::store::facet::EarlyAcks;

use super::{Store, StoreError, Tx};

/// Most acks that wait in one account. Beyond it the oldest are deleted.
const MAX_KEPT: u64 = 10_000;
/// Acks after which their number is looked at again.
const LIMIT_EVERY: i64 = 256;

impl EarlyAcks<'_, Store> {
    /// Deletes the acks that are older than `before`, and returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.0
            .write(before, |tx, &before| {
                Box::pin(async move {
                    let deleted = early_ack::Entity::delete_many()
                        .filter(early_ack::Column::CreatedAt.lt(before.0))
                        .exec(&tx.session)
                        .await?;
                    Ok(deleted.rows_affected)
                })
            })
            .await
    }
}

impl EarlyAcks<'_, Tx> {
    /// Stores an ack for a message that is not there yet. Of several for one message the greatest counts, unless it says
    /// that the message was refused. An account keeps about its newest [`MAX_KEPT`].
    pub async fn put(&self, account: AccountId, message: &WaMessageId, ack: i32) -> Result<(), StoreError> {
        if let Some(known) = self.find(account, message).await? {
            let change = early_ack::ActiveModel {
                ack: Set(known.ack.max(ack.into())),
                ..early_ack::ActiveModel::default()
            };
            early_ack::Entity::update_many()
                .set(change)
                .filter(early_ack::Column::Id.eq(known.id))
                .exec(&self.0.session)
                .await?;
            return Ok(());
        }
        let row = early_ack::ActiveModel {
            id: NotSet,
            account_id: Set(account),
            whatsapp_id: Set(message.clone()),
            ack: Set(ack.into()),
            created_at: Set(self.0.now.0),
        };
        let id = early_ack::Entity::insert(row)
            .exec(&self.0.session)
            .await?
            .last_insert_id;
        if id % LIMIT_EVERY == 0 {
            self.limit(account).await?;
        }
        Ok(())
    }

    /// Takes the ack that waits for this message and came at or after `since`, if one does.
    pub async fn take(
        &self,
        account: AccountId,
        message: &WaMessageId,
        since: Timestamp,
    ) -> Result<Option<i32>, StoreError> {
        let Some(row) = self.find(account, message).await? else {
            return Ok(None);
        };
        early_ack::Entity::delete_by_id(row.id).exec(&self.0.session).await?;
        Ok(i32::try_from(row.ack).ok().filter(|_| row.created_at >= since.0))
    }

    async fn find(&self, account: AccountId, message: &WaMessageId) -> Result<Option<early_ack::Model>, StoreError> {
        let row = early_ack::Entity::find()
            .filter(early_ack::Column::AccountId.eq(account))
            .filter(early_ack::Column::WhatsappId.eq(message.as_str()))
            .one(&self.0.session)
            .await?;
        Ok(row)
    }

    async fn limit(&self, account: AccountId) -> Result<(), StoreError> {
        let newest_over: Option<i64> = early_ack::Entity::find()
            .select_only()
            .column(early_ack::Column::Id)
            .filter(early_ack::Column::AccountId.eq(account))
            .order_by_desc(early_ack::Column::Id)
            .offset(MAX_KEPT)
            .limit(1)
            .into_tuple()
            .one(&self.0.session)
            .await?;
        if let Some(over) = newest_over {
            early_ack::Entity::delete_many()
                .filter(early_ack::Column::AccountId.eq(account))
                .filter(early_ack::Column::Id.lte(over))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }
}
