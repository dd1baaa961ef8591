//! The bounds of what the store does in one go.

/// Steps that a walk along merges takes: more are no chain but a circle, which nothing of ours has made.
pub const MAX_CHAIN: usize = 1000;

/// Values that one query names. SQLite takes 32,766 at most, PostgreSQL and MariaDB 65,535.
pub const MAX_NAMED: usize = 500;
