//! Exports that are written to a file. One process at a time has an export: it claims it for a while, goes on claiming it,
//! and its claim is checked in each change by the number of the attempt.

use std::collections::HashSet;
use std::time::Duration;

use entity::export;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::export::{ExportFilter, ExportJob, ExportOrder, ExportState};
use crate::domain::rights::Sight;
use crate::domain::{AccountId, ExportId, OwnerId, Timestamp};
use crate::store::database::page;
use crate::store::database::page::{Cursor, Page, PageRequest};
use crate::store::database::row::{from_json, to_json, word};
use crate::store::facet::{Database, Exports};
use crate::store::{Store, StoreError, Tx, WorkFor};

/// How long a claim lasts unless it is renewed.
pub const CLAIM: Duration = Duration::from_mins(1);
/// Most exports whose bytes are summed: each owner's are bounded, and rows are deleted after days.
const MAX_SUMMED: u64 = 100_000;

/// How an attempt at an export ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportEnd {
    /// Its file is in the vault.
    Done {
        sha256: String,
        rows: u64,
        bytes: u64,
        expires_at: Timestamp,
    },
    /// There is no file, for this reason.
    Failed(String),
}

impl<D: Database> Exports<'_, D> {
    /// Returns an export.
    pub async fn get(&self, id: ExportId) -> Result<Option<ExportJob>, StoreError> {
        let row = export::Entity::find_by_id(id).one(self.0.connection()).await?;
        row.map(read).transpose()
    }

    /// Returns which of these objects are files of exports.
    pub async fn known_objects(&self, names: &[String]) -> Result<HashSet<String>, StoreError> {
        let found = export::Entity::find()
            .select_only()
            .column(export::Column::Object)
            .filter(export::Column::Object.is_in(names))
            .into_tuple::<Option<String>>()
            .all(self.0.connection())
            .await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Exports<'_, Store> {
    /// Returns a page of the exports of an owner, or of all, ordered by id.
    pub async fn page(&self, page: PageRequest, owner: Option<OwnerId>) -> Result<Page<ExportJob>, StoreError> {
        let mut query = export::Entity::find();
        if let Some(owner) = owner {
            query = query.filter(export::Column::OwnerId.eq(owner));
        }
        let key = |row: &export::Model| Cursor::of_id(row.id.0);
        let by = (None, export::Column::Id);
        page::read(query, page, by, self.0.readers(), key, read).await
    }

    /// Counts the exports by their state.
    pub async fn count(&self) -> Result<Vec<(ExportState, u64)>, StoreError> {
        let mut counts = vec![];
        for state in ExportState::ALL {
            let of_state = export::Entity::find().filter(export::Column::State.eq(state.as_str()));
            counts.push((*state, of_state.count(self.0.readers()).await?));
        }
        Ok(counts)
    }

    /// Returns how many bytes the files of all exports have.
    pub async fn kept_bytes(&self) -> Result<u64, StoreError> {
        let sizes = export::Entity::find()
            .select_only()
            .column(export::Column::ByteCount)
            .filter(export::Column::Object.is_not_null())
            .limit(MAX_SUMMED)
            .into_tuple::<i64>()
            .all(self.0.readers())
            .await?;
        Ok(sizes.into_iter().map(unsigned).fold(0, u64::saturating_add))
    }

    /// Returns the oldest export that waits, or whose process has not claimed it any more.
    pub async fn takeable(&self, now: Timestamp) -> Result<Option<ExportId>, StoreError> {
        let id = export::Entity::find()
            .select_only()
            .column(export::Column::Id)
            .filter(is_takeable(now))
            .order_by_asc(export::Column::Id)
            .limit(1)
            .into_tuple()
            .one(self.0.readers())
            .await?;
        Ok(id)
    }

    /// Returns exports whose files have expired and are still there, at most `limit`.
    pub async fn expired(&self, now: Timestamp, limit: u64) -> Result<Vec<ExportId>, StoreError> {
        let ids = export::Entity::find()
            .select_only()
            .column(export::Column::Id)
            .filter(export::Column::ExpiresAt.lte(now.0))
            .filter(export::Column::Object.is_not_null())
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }

    /// Deletes the rows of exports that ended before `before` and have no file. Returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.0
            .write(before, |tx, &before| {
                Box::pin(async move {
                    let deleted = export::Entity::delete_many()
                        .filter(export::Column::FinishedAt.lt(before.0))
                        .filter(export::Column::Object.is_null())
                        .exec(&tx.session)
                        .await?;
                    Ok(deleted.rows_affected)
                })
            })
            .await
    }
}

impl Exports<'_, Tx> {
    /// Counts the exports of an owner that wait or run.
    pub async fn open_of(&self, owner: OwnerId) -> Result<u64, StoreError> {
        let open = export::Entity::find()
            .filter(export::Column::OwnerId.eq(owner))
            .filter(is_open());
        Ok(open.count(&self.0.session).await?)
    }

    /// Stores an export that waits.
    pub async fn add(&self, order: &ExportOrder) -> Result<ExportJob, StoreError> {
        let ExportFilter {
            account,
            customer,
            conversation,
            from,
            until,
        } = order.filter;
        let accounts = order.sight.accounts().map(to_json_list).transpose()?;
        let row = export::ActiveModel {
            id: NotSet,
            owner_id: Set(order.owner),
            asked_by: Set(order.asked_by.clone()),
            what: Set(order.what.as_str().to_owned()),
            format: Set(order.format.as_str().to_owned()),
            account_id: Set(account),
            customer_id: Set(customer),
            conversation_id: Set(conversation),
            from_at: Set(from.map(|at| at.0)),
            until_at: Set(until.map(|at| at.0)),
            accounts: Set(accounts),
            hides_numbers: Set(order.sight.hides_numbers()),
            state: Set(ExportState::Queued.as_str().to_owned()),
            row_count: Set(0),
            byte_count: Set(0),
            sha256: Set(None),
            object: Set(None),
            failure: Set(None),
            attempts: Set(0),
            lease_until: Set(None),
            created_at: Set(self.0.now.0),
            started_at: Set(None),
            finished_at: Set(None),
            expires_at: Set(None),
        };
        let id = export::Entity::insert(row).exec(&self.0.session).await?.last_insert_id;
        self.0.wake(WorkFor::Exports);
        self.need(id).await
    }

    /// Claims an export that waits, or whose process has not claimed it any more, for [`CLAIM`]. `None`: another process was
    /// faster, or it ended.
    pub async fn claim(&self, id: ExportId) -> Result<Option<ExportJob>, StoreError> {
        let now = self.0.now;
        let Some(known) = export::Entity::find_by_id(id).one(&self.0.session).await? else {
            return Ok(None);
        };
        let change = export::ActiveModel {
            state: Set(ExportState::Running.as_str().to_owned()),
            attempts: Set(known.attempts + 1),
            lease_until: Set(Some(now.plus(CLAIM).0)),
            started_at: Set(Some(now.0)),
            row_count: Set(0),
            byte_count: Set(0),
            ..export::ActiveModel::default()
        };
        let filter = Condition::all()
            .add(export::Column::Attempts.eq(known.attempts))
            .add(is_takeable(now));
        self.change(id, change, filter).await
    }

    /// Goes on claiming an export, and notes how far it is. Returns whether it is still claimed: a person may have cancelled
    /// it, or another process have taken it.
    pub async fn hold(&self, id: ExportId, attempt: i64, rows: u64, bytes: u64) -> Result<bool, StoreError> {
        let change = export::ActiveModel {
            lease_until: Set(Some(self.0.now.plus(CLAIM).0)),
            row_count: Set(signed(rows)),
            byte_count: Set(signed(bytes)),
            ..export::ActiveModel::default()
        };
        Ok(self.change(id, change, is_claimed(attempt)).await?.is_some())
    }

    /// Gives an export back, so that it is begun again at once.
    pub async fn give_back(&self, id: ExportId, attempt: i64) -> Result<(), StoreError> {
        let change = export::ActiveModel {
            lease_until: Set(Some(0)),
            ..export::ActiveModel::default()
        };
        self.change(id, change, is_claimed(attempt)).await.map(|_| ())
    }

    /// Ends an attempt. `None`: it is not claimed any more, and nothing is changed.
    pub async fn end(&self, id: ExportId, attempt: i64, end: &ExportEnd) -> Result<Option<ExportJob>, StoreError> {
        let ended = export::ActiveModel {
            lease_until: Set(None),
            finished_at: Set(Some(self.0.now.0)),
            ..export::ActiveModel::default()
        };
        let change = match end {
            ExportEnd::Done {
                sha256,
                rows,
                bytes,
                expires_at,
            } => export::ActiveModel {
                state: Set(ExportState::Done.as_str().to_owned()),
                sha256: Set(Some(sha256.clone())),
                object: Set(Some(sha256.clone())),
                row_count: Set(signed(*rows)),
                byte_count: Set(signed(*bytes)),
                expires_at: Set(Some(expires_at.0)),
                ..ended
            },
            ExportEnd::Failed(why) => export::ActiveModel {
                state: Set(ExportState::Failed.as_str().to_owned()),
                failure: Set(Some(why.clone())),
                ..ended
            },
        };
        self.change(id, change, is_claimed(attempt)).await
    }

    /// Cancels an export that waits or runs. `None`: it has ended.
    pub async fn cancel(&self, id: ExportId) -> Result<Option<ExportJob>, StoreError> {
        let change = export::ActiveModel {
            state: Set(ExportState::Cancelled.as_str().to_owned()),
            lease_until: Set(None),
            finished_at: Set(Some(self.0.now.0)),
            ..export::ActiveModel::default()
        };
        self.change(id, change, is_open()).await
    }

    /// Notes that the file of an export is not kept any more.
    pub async fn forget_object(&self, id: ExportId) -> Result<(), StoreError> {
        let change = export::ActiveModel {
            object: Set(None),
            ..export::ActiveModel::default()
        };
        self.change(id, change, Condition::all()).await.map(|_| ())
    }

    /// Deletes the row of an export.
    pub async fn remove(&self, id: ExportId) -> Result<(), StoreError> {
        export::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }

    /// Changes an export if it meets a condition, and returns it; `None` if it does not.
    async fn change(
        &self,
        id: ExportId,
        change: export::ActiveModel,
        condition: Condition,
    ) -> Result<Option<ExportJob>, StoreError> {
        let changed = export::Entity::update_many()
            .set(change)
            .filter(export::Column::Id.eq(id))
            .filter(condition)
            .exec(&self.0.session)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(None);
        }
        self.need(id).await.map(Some)
    }

    async fn need(&self, id: ExportId) -> Result<ExportJob, StoreError> {
        let row = export::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "export" }).and_then(read)
    }
}

fn is_open() -> Condition {
    let open = [ExportState::Queued, ExportState::Running].map(ExportState::as_str);
    Condition::all().add(export::Column::State.is_in(open))
}

fn is_takeable(now: Timestamp) -> Condition {
    let is_free = Condition::any()
        .add(export::Column::LeaseUntil.is_null())
        .add(export::Column::LeaseUntil.lte(now.0));
    is_open().add(is_free)
}

fn is_claimed(attempt: i64) -> Condition {
    Condition::all()
        .add(export::Column::State.eq(ExportState::Running.as_str()))
        .add(export::Column::Attempts.eq(attempt))
}

fn to_json_list(accounts: &[AccountId]) -> Result<String, StoreError> {
    to_json(&accounts)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn read(row: export::Model) -> Result<ExportJob, StoreError> {
    let accounts = row.accounts.as_deref().map(|json| from_json("exports", json));
    let sight = Sight::of(accounts.transpose()?, row.owner_id).hiding_numbers(row.hides_numbers);
    Ok(ExportJob {
        id: row.id,
        order: ExportOrder {
            what: word("exports", &row.what)?,
            format: word("exports", &row.format)?,
            filter: ExportFilter {
                account: row.account_id,
                customer: row.customer_id,
                conversation: row.conversation_id,
                from: row.from_at.map(Timestamp),
                until: row.until_at.map(Timestamp),
            },
            sight,
            owner: row.owner_id,
            asked_by: row.asked_by,
        },
        state: word("exports", &row.state)?,
        rows: unsigned(row.row_count),
        bytes: unsigned(row.byte_count),
        sha256: row.sha256,
        object: row.object,
        failure: row.failure,
        attempts: row.attempts,
        created_at: Timestamp(row.created_at),
        started_at: row.started_at.map(Timestamp),
        finished_at: row.finished_at.map(Timestamp),
        expires_at: row.expires_at.map(Timestamp),
    })
}
