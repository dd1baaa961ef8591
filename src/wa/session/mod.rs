//! Keeps an account's session alive: starts browser, driver and page again when they fail, watches the page's status, and
//! publishes the state of the session. Carries no messages.

mod health;
mod illness;
mod shared;
mod supervision;
mod upkeep;
mod watcher;

pub use shared::{Close, Request, Shared};
pub use supervision::Supervision;
