//! The WhatsApp numbers that we drive, and who drives them.

pub mod linking;
pub mod removal;

use std::time::Duration;

use entity::account;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::domain::account::Account;
use crate::domain::customer::PhoneNumber;
use crate::domain::history::Synced;
use crate::domain::session::SessionState;
use crate::domain::{AccountId, Timestamp};
use crate::store::facet::{Accounts, Database};

use super::database::page;
use super::database::page::{Page, PageKey, PageRequest};
use super::database::row::word;
use super::{Store, StoreError, Tx};

/// How exactly a phone's last use is dated.
const SEEN_EVERY: Duration = Duration::from_hours(1);

/// Who wants to drive an account: a process on a profile folder (rule 26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The profile folder, unique across hosts: an account moves only within the same folder.
    pub folder: String,
    /// The process, for people to read.
    pub process: String,
}

/// An account's lease as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: Holder,
    pub fence: Fence,
}

/// Says which taking of an account's lease a process works under; a later taking makes it worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

impl<D: Database> Accounts<'_, D> {
    pub async fn get(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        find(self.0.connection(), id).await
    }

    pub async fn by_name(&self, name: &str) -> Result<Option<Account>, StoreError> {
        by_name(self.0.connection(), name).await
    }

    /// By name or id, as people call it: no name is a number.
    pub async fn called(&self, called: &str) -> Result<Option<Account>, StoreError> {
        match called.parse() {
            Ok(id) => find(self.0.connection(), AccountId(id)).await,
            Err(_) => by_name(self.0.connection(), called).await,
        }
    }

    /// Those that are not gone, the first made first.
    pub async fn present(&self) -> Result<Vec<Account>, StoreError> {
        present(self.0.connection()).await
    }
}

impl Accounts<'_, Store> {
    /// When an account was last compared with its page, and what that found.
    pub async fn synced(&self, id: AccountId) -> Result<Option<Synced>, StoreError> {
        let row = account::Entity::find_by_id(id).one(self.0.readers()).await?;
        Ok(row.and_then(|row| {
            Some(Synced {
                synced_at: Timestamp(row.synced_at?),
                recovered: row.last_recovered.unwrap_or(0),
                recovered_total: row.recovered.unwrap_or(0),
            })
        }))
    }

    /// By id; `removed`: also those that are gone.
    pub async fn page(&self, page: PageRequest, removed: bool) -> Result<Page<Account>, StoreError> {
        let present = (!removed).then(|| account::Column::RemovedAt.is_null());
        let query = account::Entity::find().filter(Condition::all().add_option(present));
        let key = |row: &account::Model| PageKey::of_id(row.id.0);
        page::read(query, page, (None, account::Column::Id), self.0.readers(), key, read).await
    }

    /// Returns who drives an account, or drove it last; `None` where nobody does.
    pub async fn lease(&self, id: AccountId) -> Result<Option<Lease>, StoreError> {
        let row = account::Entity::find_by_id(id).one(self.0.readers()).await?;
        Ok(row.and_then(|row| {
            let holder = Holder {
                folder: row.folder?,
                process: row.holder.unwrap_or_default(),
            };
            let fence = Fence(row.fence);
            Some(Lease { holder, fence })
        }))
    }

    /// All that there ever were, the first made first.
    pub async fn all(&self) -> Result<Vec<Account>, StoreError> {
        read_all(account::Entity::find(), self.0.readers()).await
    }
}

impl Accounts<'_, Tx> {
    /// Makes an account, or gives the one of this name.
    pub async fn create(&self, name: &str) -> Result<Account, StoreError> {
        if let Some(account) = self.by_name(name).await? {
            return Ok(account);
        }
        let row = account::ActiveModel {
            id: NotSet,
            name: Set(name.to_owned()),
            state: Set(SessionState::Starting.to_string()),
            detail: Set(None),
            phone: Set(None),
            watermark: Set(None),
            login: Set(0),
            fence: Set(0),
            folder: Set(None),
            holder: Set(None),
            phone_seen_at: Set(None),
            synced_at: Set(None),
            last_recovered: Set(None),
            recovered: Set(None),
            removing_at: Set(None),
            keep_profile: Set(None),
            removed_at: Set(None),
            wanted: Set(None),
            wanted_phone: Set(None),
            wanted_at: Set(None),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
        };
        let id = account::Entity::insert(row).exec(&self.0.session).await?.last_insert_id;
        self.need(id).await.and_then(read)
    }

    /// Writes the session's state down; tells whether that changed anything.
    pub async fn set_session(
        &self,
        id: AccountId,
        state: SessionState,
        detail: Option<&str>,
    ) -> Result<bool, StoreError> {
        let row = self.need(id).await?;
        if row.state == state.as_str() && row.detail.as_deref() == detail {
            return Ok(false);
        }
        let change = account::ActiveModel {
            state: Set(state.to_string()),
            detail: Set(detail.map(ToOwned::to_owned)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(true)
    }

    /// Binds an account to its first number (rule 7); a bound account stays as it is.
    pub async fn bind_phone(&self, id: AccountId, phone: &PhoneNumber) -> Result<(), StoreError> {
        if self.need(id).await?.phone.is_some() {
            return Ok(());
        }
        let change = account::ActiveModel {
            phone: Set(Some(phone.as_str().to_owned())),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Sets the moment before which everything is history (rule 9); stays as it is once set.
    pub async fn set_watermark(&self, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
        if self.need(id).await?.watermark.is_some() {
            return Ok(());
        }
        let change = account::ActiveModel {
            watermark: Set(Some(at.0)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// The phone was in use at this moment, if it was not seen later.
    pub async fn see_phone(&self, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
        let known = self.need(id).await?.phone_seen_at;
        // To the hour is enough.
        if known.is_some_and(|known| Timestamp(known).plus(SEEN_EVERY) >= at) {
            return Ok(());
        }
        let change = account::ActiveModel {
            phone_seen_at: Set(Some(at.0)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Begins a new login (rule 3) and gives its number.
    pub async fn next_login(&self, id: AccountId) -> Result<i64, StoreError> {
        let login = self.need(id).await?.login + 1;
        let change = account::ActiveModel {
            login: Set(login),
            // Whatever phone scans next has then been seen.
            phone_seen_at: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(login)
    }

    /// Notes that the account was compared with its page, and what that found.
    pub async fn note_sync(&self, id: AccountId, recovered: u64) -> Result<Synced, StoreError> {
        let found = i64::try_from(recovered).unwrap_or(i64::MAX);
        let synced = Synced {
            synced_at: self.0.now,
            recovered: found,
            recovered_total: self.need(id).await?.recovered.unwrap_or(0).saturating_add(found),
        };
        let change = account::ActiveModel {
            synced_at: Set(Some(synced.synced_at.0)),
            last_recovered: Set(Some(synced.recovered)),
            recovered: Set(Some(synced.recovered_total)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(synced)
    }

    /// Takes an account's lease. The caller holds the folder's kernel lock, so whoever held the lease before is gone.
    /// Refused with [`StoreError::LeaseElsewhere`] when the account lives in another folder.
    pub async fn take_lease(&self, id: AccountId, holder: &Holder) -> Result<Fence, StoreError> {
        let row = self.lock(id).await?;
        if let Some(folder) = row.folder
            && folder != holder.folder
        {
            return Err(StoreError::LeaseElsewhere { account: id, folder });
        }
        let fence = row.fence + 1;
        let change = account::ActiveModel {
            fence: Set(fence),
            folder: Set(Some(holder.folder.clone())),
            holder: Set(Some(holder.process.clone())),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(Fence(fence))
    }

    /// Refuses with [`StoreError::LeaseLost`] when the lease was taken again since. From here to the commit nobody takes it.
    pub async fn check_fence(&self, id: AccountId, fence: Fence) -> Result<(), StoreError> {
        if self.lock(id).await?.fence == fence.0 {
            Ok(())
        } else {
            Err(StoreError::LeaseLost(id))
        }
    }

    /// Lets an account go, so that it may be driven from another folder; the holder of `fence` has lost it. Does nothing and
    /// returns false when the lease was taken again since.
    pub async fn release_lease(&self, id: AccountId, fence: Fence) -> Result<bool, StoreError> {
        let row = self.lock(id).await?;
        if row.fence != fence.0 {
            return Ok(false);
        }
        let change = account::ActiveModel {
            fence: Set(row.fence + 1),
            folder: Set(None),
            holder: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(true)
    }

    pub(super) async fn need(&self, id: AccountId) -> Result<account::Model, StoreError> {
        let row = account::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "account" })
    }

    /// The row, held until the commit. SQLite has one writer as a whole, and no such words.
    pub(super) async fn lock(&self, id: AccountId) -> Result<account::Model, StoreError> {
        let mut query = account::Entity::find_by_id(id);
        if self.0.session.get_database_backend() != DbBackend::Sqlite {
            query = query.lock_exclusive();
        }
        let row = query.one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "account" })
    }

    pub(super) async fn change(&self, id: AccountId, change: account::ActiveModel) -> Result<(), StoreError> {
        let change = account::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..change
        };
        account::Entity::update_many()
            .set(change)
            .filter(account::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

async fn find(database: &impl ConnectionTrait, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = account::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}

async fn present(database: &impl ConnectionTrait) -> Result<Vec<Account>, StoreError> {
    let present = account::Entity::find().filter(account::Column::RemovedAt.is_null());
    read_all(present, database).await
}

async fn read_all(
    accounts: Select<account::Entity>,
    database: &impl ConnectionTrait,
) -> Result<Vec<Account>, StoreError> {
    let rows = accounts.order_by_asc(account::Column::Id).all(database).await?;
    rows.into_iter().map(read).collect()
}

async fn by_name(database: &impl ConnectionTrait, name: &str) -> Result<Option<Account>, StoreError> {
    let row = account::Entity::find()
        .filter(account::Column::Name.eq(name))
        .one(database)
        .await?;
    row.map(read).transpose()
}

pub(super) fn read(row: account::Model) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.id,
        name: row.name,
        state: word("accounts", &row.state)?,
        detail: row.detail,
        phone: row.phone.map(|phone| word("accounts", &phone)).transpose()?,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        removing_at: row.removing_at.map(Timestamp),
        removed_at: row.removed_at.map(Timestamp),
        keep_profile: row.keep_profile.unwrap_or(false),
        watermark: row.watermark.map(Timestamp),
        login: row.login,
        phone_seen_at: row.phone_seen_at.map(Timestamp),
    })
}
