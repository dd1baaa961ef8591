//! WhatsApp Web in a real browser: the adapter behind [`crate::domain::whatsapp::WhatsApp`]. The only place that knows
//! WhatsApp's ids, the page and the browser. Decides nothing about messages: it carries, in both directions, and says
//! truthfully how the session stands.

mod browser;
mod client;
mod content;
mod driver;
mod group;
mod health;
mod history;
mod identity;
mod illness;
mod library;
mod login;
mod media;
mod options;
mod orphans;
mod outgoing;
mod pacing;
mod page;
mod profile;
mod programs;
mod shared;
mod supervision;
mod upkeep;
mod watcher;
mod wire;

pub use client::{StartError, WhatsAppWeb};
pub use library::check as check_library;
pub use options::{Limits, WaOptions};
pub use profile::ProfileError;
pub use programs::{NoProgram, NoVersion, browser as find_browser, driver as find_driver, major, version};
pub use wire::event as read_event;
