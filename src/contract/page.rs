//! The envelope of every list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// Rows of the page.
    pub data: Vec<T>,
    /// Cursor to pass as `after` (in descending order as `before`) for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Whether rows follow the last one, in the same order and within the same bounds.
    pub has_more: bool,
    /// Of a page around a row: cursor to pass as `before` for the rows before it; absent otherwise, and at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Returns a whole list as one page, for lists that are always short.
    pub const fn whole(data: Vec<T>) -> Self {
        Self {
            data,
            next_cursor: None,
            has_more: false,
            previous_cursor: None,
        }
    }
}
