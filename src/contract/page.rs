//! The envelope of every list.

use serde::{Deserialize, Serialize};

/// Some rows of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Give it as `after` (as `before` in falling order) for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Whether rows follow the last one, in the same order and within the same bounds.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Returns a list that is never long enough to be cut into pages.
    pub const fn whole(data: Vec<T>) -> Self {
        Self {
            data,
            next_cursor: None,
            has_more: false,
        }
    }
}
