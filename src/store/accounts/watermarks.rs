//! Watermarks that lie ahead: a clock that was set wrong at the first login, or after a rebind, has set them. Every message
//! until that time would be history (rule 9), so they are lowered once the clock is right.

use entity::account;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::domain::{AccountId, Timestamp};
use crate::store::facet::Accounts;
use crate::store::{Store, StoreError, Tx};

impl Accounts<'_, Store> {
    /// Returns whether an account has a watermark after `now`.
    pub async fn have_watermark_after(&self, now: Timestamp) -> Result<bool, StoreError> {
        let ahead = account::Entity::find().filter(account::Column::Watermark.gt(now.0));
        Ok(ahead.count(self.0.readers()).await? > 0)
    }
}

impl Accounts<'_, Tx> {
    /// Lowers each watermark after `now` to it, and the beginning of that account's import accordingly.
    pub async fn lower_watermarks(&self, now: Timestamp) -> Result<(), StoreError> {
        let is_ahead = account::Column::Watermark.gt(now.0);
        let ahead = account::Entity::find().filter(is_ahead.clone());
        let ids: Vec<AccountId> = ahead
            .all(&self.0.session)
            .await?
            .into_iter()
            .map(|row| row.id)
            .collect();
        for id in ids {
            account::Entity::update_many()
                .set(account::ActiveModel {
                    watermark: Set(Some(now.0)),
                    updated_at: Set(self.0.now.0),
                    ..account::ActiveModel::default()
                })
                .filter(account::Column::Id.eq(id))
                // A rebind may have removed it meanwhile.
                .filter(is_ahead.clone())
                .exec(&self.0.session)
                .await?;
            self.0.history().lower(id, now).await?;
        }
        Ok(())
    }
}
