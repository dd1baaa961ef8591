//! Pages by key, never by offset: a page stays the same when rows are added before it.

use futures_util::stream::{self, Stream, TryStreamExt};
use sea_orm::sea_query::{ExprTrait, LikeExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order as SqlOrder, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::de::DeserializeOwned;

use super::rows;
use crate::store::StoreError;

/// Most rows in one page, whatever limit is requested.
pub const MAX_PAGE: u64 = 1000;
/// Rows that a stream holds in memory.
const STREAM_PAGE: u64 = 500;

/// Escape character of search patterns. A backslash would have another meaning for MySQL too.
const ESCAPE: char = '!';

/// Returns a pattern that finds `search` anywhere; `%` and `_` in it stand for themselves.
pub fn containing(search: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in search.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape(ESCAPE)
}

/// A position in a list: rows are ordered by (`at`, `id`). Callers use it as a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Time in milliseconds, or 0 in lists that are ordered by id alone.
    pub at: i64,
    /// Id of the row.
    pub id: i64,
}

impl Cursor {
    /// Returns a position in a list that is ordered by id alone.
    pub const fn of_id(id: i64) -> Self {
        Self { at: 0, id }
    }

    /// Returns the position right before this one.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self {
            at: self.at,
            id: self.id.saturating_sub(1),
        }
    }
}

/// Direction in which a page goes through the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first (oldest first).
    #[default]
    Ascending,
    /// Largest key first (newest first).
    Descending,
}

/// Selects the rows of a page. `after` and `before` are exclusive bounds of the key, whatever the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows to return; at most [`MAX_PAGE`], and 0 counts as 1.
    pub limit: u64,
    /// Only rows with a greater key.
    pub after: Option<Cursor>,
    /// Only rows with a smaller key.
    pub before: Option<Cursor>,
    /// Order of the rows.
    pub order: Order,
}

impl PageRequest {
    /// Returns a request for the first `limit` rows.
    pub const fn first(limit: u64) -> Self {
        Self {
            limit,
            after: None,
            before: None,
            order: Order::Ascending,
        }
    }

    /// Returns a request for the last `limit` rows, last one first.
    pub const fn last(limit: u64) -> Self {
        Self {
            order: Order::Descending,
            ..Self::first(limit)
        }
    }

    /// Limits the request to keys greater than `key`.
    #[must_use]
    pub const fn after(self, key: Cursor) -> Self {
        Self {
            after: Some(key),
            ..self
        }
    }

    /// Limits the request to keys smaller than `key`.
    #[must_use]
    pub const fn before(self, key: Cursor) -> Self {
        Self {
            before: Some(key),
            ..self
        }
    }

    /// Limits the request to what follows `key` in its order.
    #[must_use]
    pub const fn beyond(self, key: Cursor) -> Self {
        match self.order {
            Order::Ascending => self.after(key),
            Order::Descending => self.before(key),
        }
    }
}

/// Rows of a list, in the requested order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Keys of the first and the last row of `data`; `None` when it is empty.
    pub ends: Option<(Cursor, Cursor)>,
    /// Whether more rows follow the last one, in the same direction and within the same bounds.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Adds its key to each row.
    pub fn keyed(self, key: impl Fn(&T) -> Cursor) -> Page<(Cursor, T)> {
        Page {
            data: self.data.into_iter().map(|row| (key(&row), row)).collect(),
            ends: self.ends,
            has_more: self.has_more,
        }
    }
}

impl<T> Page<(Cursor, T)> {
    /// Removes the keys.
    pub fn bare(self) -> Page<T> {
        Page {
            data: self.data.into_iter().map(|(_, row)| row).collect(),
            ends: self.ends,
            has_more: self.has_more,
        }
    }
}

/// Reads a page of `query`, ordered by the columns (`at`, `id`) or by `id` alone, and converts each row.
pub async fn read<E, T>(
    query: Select<E>,
    page: PageRequest,
    (at, id): (Option<E::Column>, E::Column),
    database: &impl ConnectionTrait,
    key: impl Fn(&E::Model) -> Cursor,
    convert: impl Fn(E::Model) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError>
where
    E: EntityTrait<Model: DeserializeOwned>,
{
    let limit = page.limit.clamp(1, MAX_PAGE);
    let order = match page.order {
        Order::Ascending => SqlOrder::Asc,
        Order::Descending => SqlOrder::Desc,
    };
    let mut query = query.limit(limit + 1);
    if let Some(after) = page.after {
        query = query.filter(match at {
            Some(at) => at.gt(after.at).or(at.eq(after.at).and(id.gt(after.id))),
            None => id.gt(after.id),
        });
    }
    if let Some(before) = page.before {
        query = query.filter(match at {
            Some(at) => at.lt(before.at).or(at.eq(before.at).and(id.lt(before.id))),
            None => id.lt(before.id),
        });
    }
    if let Some(at) = at {
        query = query.order_by(at, order.clone());
    }
    let mut rows = rows::all(query.order_by(id, order), database).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > wanted;
    rows.truncate(wanted);
    let ends = rows
        .first()
        .zip(rows.last())
        .map(|(first, last)| (key(first), key(last)));
    Ok(Page {
        data: rows.into_iter().map(convert).collect::<Result<_, _>>()?,
        ends,
        has_more,
    })
}

/// Returns the rows of all pages, from the first on; holds one page at a time.
pub fn stream<T, F, R>(read: F) -> impl Stream<Item = Result<T, StoreError>> + Send
where
    F: Fn(PageRequest) -> R + Send,
    R: Future<Output = Result<Page<T>, StoreError>> + Send,
    T: Send,
{
    let first = Some(PageRequest::first(STREAM_PAGE));
    stream::try_unfold((read, first), |(read, request)| async move {
        let Some(request) = request else {
            return Ok::<_, StoreError>(None);
        };
        let page = read(request).await?;
        let next = page.ends.filter(|_| page.has_more).map(|(_, last)| request.after(last));
        let rows = stream::iter(page.data.into_iter().map(Ok));
        Ok(Some((rows, (read, next))))
    })
    .try_flatten()
}
