//! The journal: every event once, in the order of the commits (rule 23). Its numbers come from one row that is updated
//! last in the transaction; the lock on that row is held until the commit, so commits follow the order of the numbers.

pub mod filter;
pub mod follower;
pub mod tally;

use entity::{journal, journal_head};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use tokio::sync::watch;

use crate::contract::{Event, JournalEvent};
use crate::domain::{Seq, Timestamp};
use crate::store::facet::Journal;

use super::database::page::MAX_PAGE;
use super::database::row::{from_json, word};
use super::database::rows;
use super::{Store, StoreError, Tx};

/// Channel on which PostgreSQL notifies other processes.
pub(super) const CHANNEL: &str = "crm_journal";
/// Most rows and bytes written by one statement: servers refuse packets that are too large.
const MAX_ROWS: usize = 100;
const MAX_BYTES: usize = 1 << 20;
/// Most events deleted in one transaction, so that pruning does not block other writers for long.
const PRUNE_STEP: u64 = 5_000;

/// Range of the events that the journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRange {
    /// Oldest event that can still be read; the one after `head` when there is none.
    pub oldest: Seq,
    /// Newest event; 0 when there never was one.
    pub head: Seq,
}

impl Journal<'_, Store> {
    /// Returns the events after `after`, in order, at most `limit` and [`MAX_PAGE`].
    pub async fn after(&self, after: Seq, limit: u64) -> Result<Vec<JournalEvent>, StoreError> {
        let query = journal::Entity::find()
            .filter(journal::Column::Seq.gt(after))
            .order_by_asc(journal::Column::Seq)
            .limit(limit.min(MAX_PAGE));
        let rows = rows::all(query, self.0.readers()).await?;
        rows.iter().map(event).collect()
    }

    /// Returns the range of the events that the journal holds.
    pub async fn range(&self) -> Result<JournalRange, StoreError> {
        range(self.0.readers()).await
    }

    /// Deletes the events older than `before`, up to the first one that is not older, and returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let pruned = self
                .0
                .write(before, |tx, &before| {
                    Box::pin(async move { tx.journal().prune_step(before).await })
                })
                .await?;
            count += pruned;
            if pruned < PRUNE_STEP {
                return Ok(count);
            }
        }
    }
}

impl Journal<'_, Tx> {
    /// Waits for the right to give out numbers, and keeps it until the commit. SQLite's transaction has it anyway.
    pub(super) async fn lock(&self) -> Result<(), StoreError> {
        if self.0.session.get_database_backend() != DbBackend::Sqlite {
            let head = journal_head::Entity::find_by_id(1).lock_exclusive();
            head.one(&self.0.session).await?;
        }
        Ok(())
    }

    async fn prune_step(&self, before: Timestamp) -> Result<u64, StoreError> {
        let JournalRange { oldest, head } = range(&self.0.session).await?;
        let step = i64::try_from(PRUNE_STEP).unwrap_or(i64::MAX);
        let end = oldest.0.saturating_add(step).min(head.0 + 1);
        // Reads this step's events only, not all those that later steps will delete.
        let kept = journal::Entity::find()
            .filter(journal::Column::Seq.gte(oldest))
            .filter(journal::Column::Seq.lt(end))
            .filter(journal::Column::At.gte(before.0))
            .order_by_asc(journal::Column::Seq)
            .one(&self.0.session)
            .await?;
        let end = kept.map_or(end, |kept| kept.seq.0);
        if end <= oldest.0 {
            return Ok(0);
        }
        let deleted = journal::Entity::delete_many()
            .filter(journal::Column::Seq.lt(end))
            .exec(&self.0.session)
            .await?;
        journal_head::Entity::update_many()
            .col_expr(journal_head::Column::Pruned, Expr::value(end - 1))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected)
    }
}

pub(super) async fn range(database: &impl ConnectionTrait) -> Result<JournalRange, StoreError> {
    let head = journal_head::Entity::find_by_id(1)
        .one(database)
        .await?
        .ok_or_else(|| StoreError::corrupt("journal_head", "it is empty"))?;
    Ok(JournalRange {
        oldest: Seq(head.pruned.0 + 1),
        head: head.seq,
    })
}

/// An event and its time.
pub(super) struct Entry {
    /// Time of the event.
    pub at: Timestamp,
    /// The event, which has no number yet.
    pub event: Event,
}

/// Numbers events and writes them, as the last step before the commit. Returns the newest number.
pub(super) async fn append(transaction: &impl ConnectionTrait, entries: Vec<Entry>) -> Result<Option<Seq>, DbErr> {
    if entries.is_empty() {
        return Ok(None);
    }
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    let last = take_numbers(transaction, count).await?;
    let mut rows = Vec::new();
    let mut bytes = 0;
    for (seq, Entry { at, event }) in (last - count + 1..).zip(entries) {
        let data = event.body().data().map_err(|error| DbErr::Json(error.to_string()))?;
        let data = data.to_string();
        if rows.len() == MAX_ROWS || bytes + data.len() > MAX_BYTES && !rows.is_empty() {
            insert(transaction, std::mem::take(&mut rows)).await?;
            bytes = 0;
        }
        bytes += data.len();
        rows.push(journal::ActiveModel {
            seq: Set(Seq(seq)),
            at: Set(at.0),
            kind: Set(event.kind().to_string()),
            account_id: Set(event.account_id()),
            customer_id: Set(event.customer_id()),
            conversation_id: Set(event.conversation_id()),
            message_id: Set(event.message_id()),
            data: Set(data),
        });
    }
    insert(transaction, rows).await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        let notify = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_notify($1, $2)",
            [CHANNEL.into(), last.to_string().into()],
        );
        transaction.query_one_raw(notify).await?;
    }
    Ok(Some(Seq(last)))
}

async fn insert(transaction: &impl ConnectionTrait, rows: Vec<journal::ActiveModel>) -> Result<(), DbErr> {
    journal::Entity::insert_many(rows)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Takes `count` numbers and returns the last of them. Until the commit no other process can take any.
async fn take_numbers(transaction: &impl ConnectionTrait, count: i64) -> Result<i64, DbErr> {
    let backend = transaction.get_database_backend();
    let (update, select) = match backend {
        DbBackend::MySql => (
            "UPDATE journal_head SET seq = seq + ? WHERE id = 1",
            Some("SELECT seq FROM journal_head WHERE id = 1"),
        ),
        DbBackend::Postgres => (
            "UPDATE journal_head SET seq = seq + $1 WHERE id = 1 RETURNING seq",
            None,
        ),
        _ => ("UPDATE journal_head SET seq = seq + ? WHERE id = 1 RETURNING seq", None),
    };
    let update = Statement::from_sql_and_values(backend, update, [count.into()]);
    let row = match select {
        None => transaction.query_one_raw(update).await?,
        Some(select) => {
            transaction.execute_raw(update).await?;
            transaction
                .query_one_raw(Statement::from_string(backend, select))
                .await?
        }
    };
    row.ok_or_else(|| DbErr::RecordNotFound("journal_head is empty".to_owned()))?
        .try_get("", "seq")
}

/// Moves the head forward, never back.
pub(super) fn raise(head: &watch::Sender<Seq>, to: Seq) {
    head.send_if_modified(|head| {
        let news = to > *head;
        if news {
            *head = to;
        }
        news
    });
}

fn event(row: &journal::Model) -> Result<JournalEvent, StoreError> {
    Ok(JournalEvent {
        seq: row.seq,
        at: Timestamp(row.at),
        kind: word("journal", &row.kind)?,
        account_id: row.account_id,
        customer_id: row.customer_id,
        conversation_id: row.conversation_id,
        data: from_json("journal", &row.data)?,
    })
}
