//! The connection below the facets: opening, sessions, pages of
//! rows, values of columns, statistics, and what a failed statement means.

pub mod bounds;
pub mod connect;
pub mod error;
pub mod failure;
pub mod page;
pub mod row;
pub mod rows;
pub mod session;
pub mod statistics;
