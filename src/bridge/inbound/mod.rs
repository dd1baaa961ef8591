//! Inbound: commits the events of an account's page, then acknowledges them; compares with the page whenever events may
//! have been missed.

mod actor;
pub(super) mod batch;
pub(super) mod changes;
mod decrypted;
pub(super) mod events;
mod gap;
pub(super) mod groups;
pub(super) mod later;
mod members;
pub(super) mod message;
pub(super) mod own;
mod polls;
mod resync;
mod session;
pub(super) mod unreadable;

pub use actor::Inbound;
