//! The quarantine: input from outside that could not be stored, byte for byte (rule 13).

use entity::quarantine;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};

use crate::domain::hex::hex;
use crate::domain::{AccountId, QuarantineId, Timestamp};
use crate::store::facet::Quarantine;

use super::database::page;
use super::database::page::{Cursor, Page, PageRequest};
use super::{Store, StoreError, Tx};

/// Most items of one account. Beyond it the oldest are deleted: what cannot be stored must not fill the disk.
const MAX_KEPT: u64 = 20_000;

/// Input that could not be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantineItem {
    /// Id of the row.
    pub id: QuarantineId,
    /// Source of the input: `whatsapp` or `matrix`.
    pub source: String,
    /// Account that it came for, if any.
    pub account_id: Option<AccountId>,
    /// The input, byte for byte.
    pub bytes: Vec<u8>,
    /// Reason why it could not be stored.
    pub error: String,
    /// How often the same bytes came.
    pub times: u64,
    /// Time when they first came.
    pub first_seen: Timestamp,
    /// Time when they last came.
    pub last_seen: Timestamp,
}

impl Quarantine<'_, Store> {
    /// Returns a page of the quarantine, ordered by id. With `account`, only its items.
    pub async fn page(
        &self,
        page: PageRequest,
        account: Option<AccountId>,
    ) -> Result<Page<QuarantineItem>, StoreError> {
        let of_account = account.map(|account| quarantine::Column::AccountId.eq(account));
        let query = quarantine::Entity::find().filter(Condition::all().add_option(of_account));
        let columns = (None, quarantine::Column::Id);
        let key = |row: &quarantine::Model| Cursor::of_id(row.id.0);
        page::read(query, page, columns, self.0.readers(), key, |row| Ok(read(row))).await
    }

    /// Returns the number of items.
    pub async fn count(&self) -> Result<u64, StoreError> {
        Ok(quarantine::Entity::find().count(self.0.readers()).await?)
    }
}

impl Quarantine<'_, Tx> {
    /// Stores input that could not be stored otherwise. The same bytes again only raise the count. An account keeps
    /// its newest [`MAX_KEPT`] items. U+0000 in `error` is
    /// replaced.
    pub async fn add(
        &self,
        source: &str,
        account: Option<AccountId>,
        bytes: &[u8],
        error: &str,
    ) -> Result<(), StoreError> {
        let fingerprint = fingerprint(source, account, bytes);
        let known = quarantine::Entity::find()
            .filter(quarantine::Column::Fingerprint.eq(fingerprint.as_str()))
            .one(&self.0.session)
            .await?;
        let error = error.replace('\0', "\u{fffd}");
        if let Some(known) = known {
            let change = quarantine::ActiveModel {
                error: Set(error),
                times: Set(known.times.saturating_add(1)),
                last_seen: Set(self.0.now.0),
                ..quarantine::ActiveModel::default()
            };
            quarantine::Entity::update_many()
                .set(change)
                .filter(quarantine::Column::Id.eq(known.id))
                .exec(&self.0.session)
                .await?;
            return Ok(());
        }
        let row = quarantine::ActiveModel {
            id: NotSet,
            source: Set(source.to_owned()),
            account_id: Set(account),
            bytes: Set(bytes.to_vec()),
            error: Set(error),
            fingerprint: Set(fingerprint),
            times: Set(1),
            first_seen: Set(self.0.now.0),
            last_seen: Set(self.0.now.0),
        };
        quarantine::Entity::insert(row).exec(&self.0.session).await?;
        self.limit(account).await
    }

    /// Deletes the oldest items of an account that has more than [`MAX_KEPT`].
    async fn limit(&self, account: Option<AccountId>) -> Result<(), StoreError> {
        let of_account = || match account {
            Some(account) => quarantine::Column::AccountId.eq(account),
            None => quarantine::Column::AccountId.is_null(),
        };
        let newest_over: Option<QuarantineId> = quarantine::Entity::find()
            .select_only()
            .column(quarantine::Column::Id)
            .filter(of_account())
            .order_by_desc(quarantine::Column::Id)
            .offset(MAX_KEPT)
            .limit(1)
            .into_tuple()
            .one(&self.0.session)
            .await?;
        if let Some(over) = newest_over {
            tracing::warn!("the quarantine is full; its oldest item is deleted");
            quarantine::Entity::delete_many()
                .filter(of_account())
                .filter(quarantine::Column::Id.lte(over))
                .exec(&self.0.session)
                .await?;
        }
        Ok(())
    }

    /// Returns the item with this id.
    pub async fn get(&self, id: QuarantineId) -> Result<Option<QuarantineItem>, StoreError> {
        let row = quarantine::Entity::find_by_id(id).one(&self.0.session).await?;
        Ok(row.map(read))
    }

    /// Deletes an item that could be stored after all.
    pub async fn remove(&self, id: QuarantineId) -> Result<(), StoreError> {
        quarantine::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }
}

fn fingerprint(source: &str, account: Option<AccountId>, bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(source);
    hash.update([0]);
    hash.update(account.map_or(0, |account| account.0).to_be_bytes());
    hash.update(bytes);
    hex(&hash.finalize())
}

fn read(row: quarantine::Model) -> QuarantineItem {
    QuarantineItem {
        id: row.id,
        source: row.source,
        account_id: row.account_id,
        bytes: row.bytes,
        error: row.error,
        times: u64::try_from(row.times).unwrap_or(0),
        first_seen: Timestamp(row.first_seen),
        last_seen: Timestamp(row.last_seen),
    }
}
