//! Contents of kinds that have a file of their own.

pub mod links;
pub mod polls;
pub mod status;
pub mod typing;
