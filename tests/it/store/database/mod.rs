//! The database itself: opening, values, pages, backups, groups of writes and lost connections.

pub mod backup;
pub mod bounds;
pub mod crossing;
pub mod databases;
pub mod grouping;
pub mod held;
pub mod lost;
pub mod many_rows;
pub mod opening;
pub mod pages;
pub mod plans;
pub mod raw;
pub mod schema;
pub mod sights;
pub mod values;
