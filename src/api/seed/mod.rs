//! The superseded system's endpoints: its paths, its JSON, and plain arrays. A thin layer over the same operations as the
//! API proper; `docs/superseded.md` shows how its pages and gateways use them.

mod array;
pub mod customers;
mod data_url;
pub mod events;
pub mod gateway;
pub mod messages;
pub mod tables;

use schemars::JsonSchema;
use serde::Deserialize;

/// Most rows that a list holds in memory.
const ROWS_AT_ONCE: u64 = 200;

/// Part of a list. Without a limit the list is whole.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Most rows; without it, all.
    limit: Option<u64>,
    /// Rows to leave out first.
    offset: Option<u64>,
}

impl Part {
    /// Returns the number of rows to read at once.
    fn page(self) -> u64 {
        let wanted = self.limit.map(|limit| limit.saturating_add(self.offset.unwrap_or(0)));
        wanted.map_or(ROWS_AT_ONCE, |wanted| wanted.clamp(1, ROWS_AT_ONCE))
    }

    /// Returns how many rows to leave out first, and how many to give.
    fn bounds(self) -> (usize, usize) {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        (self.offset.map_or(0, number), self.limit.map_or(usize::MAX, number))
    }
}
