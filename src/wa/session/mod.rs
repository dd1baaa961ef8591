//! Keeps an account's session alive: starts browser, driver and page again when they fail, watches the page's status,
//! and publishes the state of the session. Carries no messages.

mod escalation;
mod health;
mod reason;
mod shared;
mod supervision;
mod take_over;
mod upkeep;
mod watcher;

pub use shared::{Close, Request, Shared};
pub use supervision::Supervision;
