//! The WhatsApp accounts that crm drives, and the lease that says which process drives each one.

pub mod heartbeat;
pub mod linking;
pub mod removal;
mod watermarks;

use std::time::Duration;

use entity::account;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::domain::account::{Account, AccountKind};
use crate::domain::customer::PhoneNumber;
use crate::domain::history::Synced;
use crate::domain::session::SessionState;
use crate::domain::{AccountId, Timestamp};
use crate::store::facet::{Accounts, Database};

use super::database::page;
use super::database::page::{Cursor, Page, PageRequest};
use super::database::row::word;
use super::database::session::exclusive;
use super::{Store, StoreError, Tx};

/// Precision of the time at which a phone was last seen.
const SEEN_EVERY: Duration = Duration::from_hours(1);

/// A process on a profile folder that wants to drive an account (rule 26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Profile folder, unique across hosts. An account can be driven only from the folder that it already belongs to.
    pub folder: String,
    /// Name of the process, for people to read.
    pub process: String,
}

/// Current lease of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Process and folder that hold the lease, or held it last.
    pub holder: Holder,
    /// Number of this lease.
    pub fence: Fence,
}

/// Number of one lease of an account. Each new lease gets a higher number, and work under a lower one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

impl<D: Database> Accounts<'_, D> {
    /// Returns the account with this id, even if it was removed.
    pub async fn get(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        find(self.0.connection(), id).await
    }

    /// Returns the account with this name, even if it was removed.
    pub async fn by_name(&self, name: &str) -> Result<Option<Account>, StoreError> {
        by_name(self.0.connection(), name).await
    }

    /// Returns the account with this name or id. The two cannot be confused, because a name is never a number.
    pub async fn called(&self, called: &str) -> Result<Option<Account>, StoreError> {
        match called.parse() {
            Ok(id) => find(self.0.connection(), AccountId(id)).await,
            Err(_) => by_name(self.0.connection(), called).await,
        }
    }

    /// Returns all accounts that were not removed, oldest first.
    pub async fn present(&self) -> Result<Vec<Account>, StoreError> {
        present(self.0.connection()).await
    }
}

impl Accounts<'_, Store> {
    /// Returns when an account was last compared with its page and how many messages that found; `None` if it never
    /// was.
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

    /// Returns a page of accounts, ordered by id. Includes removed accounts if `removed` is set. With `within`, only these.
    pub async fn page(
        &self,
        page: PageRequest,
        removed: bool,
        within: Option<&[AccountId]>,
    ) -> Result<Page<Account>, StoreError> {
        let present = (!removed).then(|| account::Column::RemovedAt.is_null());
        let within = within.map(|ids| account::Column::Id.is_in(ids.iter().copied()));
        let query = account::Entity::find().filter(Condition::all().add_option(present).add_option(within));
        let key = |row: &account::Model| Cursor::of_id(row.id.0);
        page::read(query, page, (None, account::Column::Id), self.0.readers(), key, read).await
    }

    /// Returns the lease of an account: its current holder, or its last one. Returns `None` if the account belongs to
    /// no folder.
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

    /// Returns all accounts, also the removed ones, oldest first.
    pub async fn all(&self) -> Result<Vec<Account>, StoreError> {
        read_all(account::Entity::find(), self.0.readers()).await
    }
}

impl Accounts<'_, Tx> {
    /// Creates an account, or returns the one that has this name already.
    pub async fn create(&self, name: &str) -> Result<Account, StoreError> {
        self.create_of_kind(name, AccountKind::Web).await
    }

    /// Creates an account of this kind, or returns the one that has this name already, whatever its kind.
    pub async fn create_of_kind(&self, name: &str, kind: AccountKind) -> Result<Account, StoreError> {
        if let Some(account) = self.by_name(name).await? {
            return Ok(account);
        }
        let (state, detail) = begin(kind);
        let row = account::ActiveModel {
            id: NotSet,
            name: Set(name.to_owned()),
            kind: Set(Some(kind.to_string())),
            state: Set(state.to_string()),
            detail: Set(detail.map(str::to_owned)),
            phone: Set(None),
            // Nothing that a gateway tells is history.
            watermark: Set((kind == AccountKind::Gateway).then_some(0)),
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

    /// Stores the state of the account's session. Returns whether that changed anything.
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

    /// Binds an account to its first phone number (rule 7). Does nothing when the account is bound already.
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

    /// Binds an account to another number, because its owner has changed it. A new login begins (rule 3), and what the new
    /// phone holds from before it is history (rule 9).
    pub async fn rebind_phone(&self, id: AccountId, phone: &PhoneNumber) -> Result<(), StoreError> {
        self.next_login(id).await?;
        let change = account::ActiveModel {
            phone: Set(Some(phone.as_str().to_owned())),
            watermark: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Sets the watermark: messages before `at` are history (rule 9). Does nothing when a watermark is set already.
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

    /// Records that the phone was in use at `at`, unless a later time is stored. A time less than an hour later is
    /// ignored.
    pub async fn see_phone(&self, id: AccountId, at: Timestamp) -> Result<(), StoreError> {
        let known = self.need(id).await?.phone_seen_at;
        // A precision of one hour is enough, and saves a write for every event.
        if known.is_some_and(|known| Timestamp(known).plus(SEEN_EVERY) >= at) {
            return Ok(());
        }
        let change = account::ActiveModel {
            phone_seen_at: Set(Some(at.0)),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Begins a new login (rule 3) and returns its number.
    pub async fn next_login(&self, id: AccountId) -> Result<i64, StoreError> {
        let login = self.need(id).await?.login + 1;
        let change = account::ActiveModel {
            login: Set(login),
            // The next phone that scans the code counts as seen by that.
            phone_seen_at: Set(None),
            ..account::ActiveModel::default()
        };
        self.change(id, change).await?;
        Ok(login)
    }

    /// Records that the account was compared with its page now and that `recovered` messages were missing. Returns the
    /// totals.
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

    /// Takes the lease of an account. The caller holds the kernel lock of the folder, so the process that held the
    /// lease before has ended. Fails with [`StoreError::LeaseElsewhere`] when the account belongs to another folder.
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

    /// Fails with [`StoreError::LeaseLost`] if another process has taken the lease since. Locks the row, so that nobody
    /// can take the lease before this transaction commits.
    pub async fn check_fence(&self, id: AccountId, fence: Fence) -> Result<(), StoreError> {
        if self.lock(id).await?.fence == fence.0 {
            Ok(())
        } else {
            Err(StoreError::LeaseLost(id))
        }
    }

    /// Releases an account, so that it can be driven from another folder; the holder of `fence` loses the lease. Does
    /// nothing and returns false when another process has taken the lease since.
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

    /// Returns an account and locks it until the commit, so that its removal begins before or after what follows, never
    /// at the same time.
    pub async fn locked(&self, id: AccountId) -> Result<Account, StoreError> {
        self.lock(id).await.and_then(read)
    }

    /// Returns the row and locks it until the commit.
    pub(super) async fn lock(&self, id: AccountId) -> Result<account::Model, StoreError> {
        let query = exclusive(&self.0.session, account::Entity::find_by_id(id));
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

/// Returns state and detail of an account that was just added.
pub(super) const fn begin(kind: AccountKind) -> (SessionState, Option<&'static str>) {
    match kind {
        AccountKind::Web => (SessionState::Starting, None),
        AccountKind::Gateway => (SessionState::Ready, Some(TOLD_BY_GATEWAY)),
    }
}

/// Detail of a gateway's account.
const TOLD_BY_GATEWAY: &str = "an outside gateway tells what it receives; nothing can be sent from here yet";

pub(super) fn read(row: account::Model) -> Result<Account, StoreError> {
    let kind = row.kind.as_deref().map(|kind| word("accounts", kind)).transpose()?;
    Ok(Account {
        id: row.id,
        name: row.name,
        kind: kind.unwrap_or(AccountKind::Web),
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
