//! Limits on the work of one call of the store.

/// Most steps along a chain of merges. A longer chain can only be a cycle, which crm never writes.
pub const MAX_CHAIN: usize = 1000;

/// Most values in the `IN` list of one query. SQLite takes 32,766 at most, PostgreSQL and MariaDB 65,535.
pub const MAX_NAMED: usize = 500;
