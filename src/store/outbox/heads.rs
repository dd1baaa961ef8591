//! Finds the work that can be done: the due head of each lane, and due work outside the lanes. The cost depends on the
//! number of lanes at most, never on how much work waits in them.

use entity::{account, outbox};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IdenStatic, QueryFilter,
    QueryOrder, QuerySelect, Select, Statement,
};
use serde::Deserialize;

use crate::domain::outbox::Target;
use crate::domain::{AccountId, OutboxId, Timestamp};
use crate::store::StoreError;
use crate::store::database::bounds::MAX_NAMED;
use crate::store::database::readers::Readers;
use crate::store::database::rows;

use super::Busy;

/// Alias of the outbox in a query about earlier rows.
const EARLIER: &str = "earlier";
/// Most due rows that are examined by their time, before the lanes are walked one by one.
const MAX_EXAMINED: u64 = 256;

/// The lanes of an account with the smallest id in each: walks from lane to lane in the index, so that it reads two
/// rows a lane however many wait there.
const WALK: &str = "WITH RECURSIVE lanes(lane) AS (
    SELECT MIN(lane) FROM outbox WHERE target = $1 AND account_id = $2
    UNION ALL
    SELECT (SELECT MIN(o.lane) FROM outbox o WHERE o.target = $1 AND o.account_id = $2 AND o.lane > lanes.lane)
    FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT head.id FROM lanes JOIN outbox head ON head.id = (
    SELECT MIN(o.id) FROM outbox o WHERE o.target = $1 AND o.account_id = $2 AND o.lane = lanes.lane
)
WHERE lanes.lane IS NOT NULL AND head.not_before <= $3 ORDER BY head.id";

/// The same on MySQL and MariaDB, which read the lanes' part of the index, and no row.
const WALK_MYSQL: &str = "SELECT head.id FROM (
    SELECT MIN(id) AS id FROM outbox WHERE target = ? AND account_id = ? AND lane IS NOT NULL GROUP BY lane
) lanes JOIN outbox head ON head.id = lanes.id WHERE head.not_before <= ? ORDER BY head.id";

/// Which work a relay looks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Target of the work.
    pub target: Target,
    /// Only work of this account.
    pub account: Option<AccountId>,
    /// Only work that is due at this time.
    pub now: Timestamp,
    /// Most rows to return.
    pub limit: u64,
    /// Work that is being done.
    pub busy: &'a Busy,
}

/// A due row, of which nothing but its id is read.
#[derive(Deserialize, FromQueryResult)]
struct Examined {
    id: OutboxId,
}

/// Returns the rows that can be done now, smallest id first.
pub(super) async fn ready(database: &Readers, wanted: Wanted<'_>) -> Result<Vec<outbox::Model>, StoreError> {
    let first = due(wanted)
        .select_only()
        .column(outbox::Column::Id)
        .order_by_asc(outbox::Column::NotBefore)
        .order_by_asc(outbox::Column::Id)
        .limit(MAX_EXAMINED);
    let due: Vec<Examined> = rows::all_as(first, &[outbox::Column::Id.as_str()], database).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let are_all = (due.len() as u64) < MAX_EXAMINED;
    let heads = outbox::Entity::find()
        .filter(outbox::Column::Id.is_in(due.iter().map(|row| row.id)))
        .filter(outbox::Column::Lane.is_null().or(Expr::exists(earlier()).not()))
        .order_by_asc(outbox::Column::Id)
        .limit(wanted.limit);
    let heads = rows::all(heads, database).await?;
    if are_all || heads.len() as u64 >= wanted.limit {
        return Ok(heads);
    }
    // Much work is due, but most of what was examined waits behind other work in its lane.
    walk(database, wanted, Within::All).await
}

/// Returns rows that can be done, of which at most `free` are outside the lanes; the place of others goes to lanes.
pub(super) async fn with_few_outside(
    database: &Readers,
    wanted: Wanted<'_>,
    rows: Vec<outbox::Model>,
    free: usize,
) -> Result<Vec<outbox::Model>, StoreError> {
    let (lanes, mut outside): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.lane.is_some());
    let rows = if outside.len() > free {
        // Lanes that were left out, because older work outside them filled the answer, come in.
        outside.truncate(free);
        walk(database, wanted, Within::Lanes).await?
    } else {
        lanes
    };
    Ok(merged(wanted, outside, rows))
}

/// Returns the due heads of lanes with urgent work, and of those that were handed over before, smallest id first.
pub(super) async fn urgent(database: &Readers, wanted: Wanted<'_>) -> Result<Vec<outbox::Model>, StoreError> {
    let urgent = Query::select()
        .column(outbox::Column::Lane)
        .from(outbox::Entity)
        .and_where(outbox::Column::Target.eq(wanted.target.as_str()))
        .and_where(outbox::Column::AccountId.eq(wanted.account))
        .and_where(outbox::Column::Urgent.eq(true))
        .and_where(outbox::Column::Lane.is_not_null())
        .take();
    let mut rows = Vec::new();
    // Two queries, because no index serves either of two conditions.
    for waited_for in [
        outbox::Column::Lane.in_subquery(urgent),
        outbox::Column::StartedAt.is_not_null(),
    ] {
        let heads = due(wanted)
            .filter(waited_for)
            .filter(Expr::exists(earlier()).not())
            .order_by_asc(outbox::Column::Id)
            .limit(wanted.limit);
        rows.extend(rows::all(heads, database).await?);
    }
    rows.sort_unstable_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    rows.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Work that a walk looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The heads of lanes, and work outside them.
    All,
    /// The heads of lanes alone.
    Lanes,
}

/// Returns what [`ready`] returns, from all lanes.
async fn walk(database: &Readers, wanted: Wanted<'_>, within: Within) -> Result<Vec<outbox::Model>, StoreError> {
    let accounts: Vec<AccountId> = if let Some(account) = wanted.account {
        vec![account]
    } else {
        let all = account::Entity::find().select_only().column(account::Column::Id);
        all.into_tuple().all(database).await?
    };
    let mut rows = Vec::new();
    for account in accounts {
        let of_account = Wanted {
            account: Some(account),
            ..wanted
        };
        if within == Within::All {
            let free = due(of_account)
                .filter(outbox::Column::Lane.is_null())
                .order_by_asc(outbox::Column::Id)
                .limit(wanted.limit);
            rows.extend(rows::all(free, database).await?);
        }
        let heads = due_heads(database, account, wanted).await?;
        let mut found = 0;
        for some in heads.chunks(MAX_NAMED) {
            if found >= wanted.limit {
                break;
            }
            let heads = due(of_account)
                .filter(outbox::Column::Id.is_in(some.iter().copied()))
                .order_by_asc(outbox::Column::Id)
                .limit(wanted.limit);
            let heads = rows::all(heads, database).await?;
            found += heads.len() as u64;
            rows.extend(heads);
        }
    }
    Ok(merged(wanted, rows, Vec::new()))
}

/// Returns rows by their ids, at most as many as are wanted.
fn merged(wanted: Wanted<'_>, mut rows: Vec<outbox::Model>, others: Vec<outbox::Model>) -> Vec<outbox::Model> {
    rows.extend(others);
    rows.sort_unstable_by_key(|row| row.id);
    rows.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    rows
}

/// Returns the ids of the due heads of an account's lanes, smallest first, also of busy ones.
async fn due_heads(database: &Readers, account: AccountId, wanted: Wanted<'_>) -> Result<Vec<OutboxId>, StoreError> {
    let backend = database.get_database_backend();
    let sql = match backend {
        DbBackend::MySql => WALK_MYSQL,
        _ => WALK,
    };
    let values = [wanted.target.as_str().into(), account.0.into(), wanted.now.0.into()];
    let rows = database
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    rows.iter().map(|row| Ok(OutboxId(row.try_get_by_index(0)?))).collect()
}

/// Selects work that is due and not busy, whether or not it is its lane's head.
fn due(wanted: Wanted<'_>) -> Select<outbox::Entity> {
    let Wanted {
        target,
        account,
        now,
        busy,
        ..
    } = wanted;
    let mut query = outbox::Entity::find().filter(is_due(target, account, now));
    if !busy.lanes.is_empty() {
        let lanes = busy.lanes.iter().copied();
        query = query.filter(outbox::Column::Lane.is_null().or(outbox::Column::Lane.is_not_in(lanes)));
    }
    if !busy.items.is_empty() {
        query = query.filter(outbox::Column::Id.is_not_in(busy.items.iter().copied()));
    }
    if !busy.messages.is_empty() {
        let other = outbox::Column::MessageId.is_not_in(busy.messages.iter().copied());
        let outside = outbox::Column::Lane.is_null();
        query = query.filter(outside.not().or(outbox::Column::MessageId.is_null()).or(other));
    }
    query
}

/// Returns the condition for work that is due at `now`, of all accounts or of one.
pub(super) fn is_due(target: Target, account: Option<AccountId>, now: Timestamp) -> Condition {
    Condition::all()
        .add(outbox::Column::Target.eq(target.as_str()))
        .add(outbox::Column::NotBefore.lte(now.0))
        .add_option(account.map(|account| outbox::Column::AccountId.eq(account)))
}

/// Selects the rows before a row of the outer query in its lane.
fn earlier() -> sea_orm::sea_query::SelectStatement {
    let same = |column: outbox::Column| Expr::col((EARLIER, column)).equals((outbox::Entity, column));
    Query::select()
        .expr(Expr::val(1))
        .from_as(outbox::Entity, EARLIER)
        .and_where(same(outbox::Column::Target))
        .and_where(same(outbox::Column::AccountId))
        .and_where(same(outbox::Column::Lane))
        .and_where(Expr::col((EARLIER, outbox::Column::Id)).lt(Expr::col((outbox::Entity, outbox::Column::Id))))
        .take()
}
