//! Health, status and metrics of the running server.

pub mod health;
pub mod metrics;
pub mod process;
pub mod status;
mod tallies;
