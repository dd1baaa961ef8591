//! Customers, their merges, and agents.

pub mod agents;
pub mod customers;
mod merge_chains;
pub mod merges;
pub mod merging_at_random;
