//! Pages by key, never by offset: a page stays what it is while rows are added before it.

use std::fmt;
use std::str::FromStr;

/// Most rows in one page, whatever is asked for.
pub const MAX_PAGE: u64 = 1000;

/// A place in a list, as it was when it was told: rows sort by (`at`, `id`). What callers write into cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    /// Milliseconds, or 0 in lists that sort by id alone.
    pub at: i64,
    pub id: i64,
}

/// Text that is not a [`PageKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; take one from the answer before")]
pub struct NotAPageKey;

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

impl FromStr for PageKey {
    type Err = NotAPageKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once('.').ok_or(NotAPageKey)?;
        match (at.parse(), id.parse()) {
            (Ok(at), Ok(id)) => Ok(Self { at, id }),
            _ => Err(NotAPageKey),
        }
    }
}

/// In which direction a page goes through the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The smallest key first: the oldest, or the first made.
    #[default]
    Ascending,
    /// The largest key first: the newest.
    Descending,
}

/// Which rows are wanted. `after` and `before` are bounds of the key (exclusive), whatever the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most [`MAX_PAGE`]; 0 counts as 1.
    pub limit: u64,
    /// Only keys greater than this.
    pub after: Option<PageKey>,
    /// Only keys less than this.
    pub before: Option<PageKey>,
    pub order: Order,
}

impl PageRequest {
    /// The first `limit` rows.
    pub const fn first(limit: u64) -> Self {
        Self {
            limit,
            after: None,
            before: None,
            order: Order::Ascending,
        }
    }

    /// The last `limit` rows, the last one first.
    pub const fn last(limit: u64) -> Self {
        Self {
            order: Order::Descending,
            ..Self::first(limit)
        }
    }

    #[must_use]
    pub const fn after(self, key: PageKey) -> Self {
        Self {
            after: Some(key),
            ..self
        }
    }

    #[must_use]
    pub const fn before(self, key: PageKey) -> Self {
        Self {
            before: Some(key),
            ..self
        }
    }
}

/// Some rows of a list, in the order that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// The keys of the first and the last row of `data`; none when it is empty.
    pub ends: Option<(PageKey, PageKey)>,
    /// Whether there are more rows beyond the last one, in the same direction and within the same bounds.
    pub has_more: bool,
}
