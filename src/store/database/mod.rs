//! The connection below the facets: opening, readers, sessions, pages of rows, values of columns, statistics, the file of a SQLite
//! database, and what a failed statement means.

pub mod bounds;
pub mod connect;
pub mod error;
pub mod failure;
pub mod file;
pub mod page;
pub mod readers;
pub mod row;
pub mod rows;
pub mod savepoint;
pub mod session;
pub mod statistics;
pub mod thread;
