//! The rows of the database and the newtypes of their ids, and nothing else.

pub mod ids;
