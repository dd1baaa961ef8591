//! The way in: what one account's page tells is committed, then acknowledged; compared whenever something may have been missed.

mod actor;
pub(super) mod batch;
pub(super) mod changes;
pub(super) mod events;
mod gap;
pub(super) mod groups;
pub(super) mod message;
mod polls;
mod resync;
mod session;

pub use actor::Inbound;
