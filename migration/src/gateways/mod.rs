//! Columns and tables for outside gateways.

pub mod m0018_account_kinds;
pub mod m0019_early_acks;
