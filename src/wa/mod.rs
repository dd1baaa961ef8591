//! WhatsApp Web in a real browser: the adapter behind [`crate::domain::whatsapp::WhatsApp`]. The only place that knows
//! WhatsApp's ids, the page and the browser. Decides nothing about messages: it carries them in both directions and
//! reports the state of the session.
//!
//! From the bottom up: `process`, `browser`, `wire` (the page's JSON), `page` (calls of the page script), `session`
//! (keeps all of it running), `port` (the domain's calls).

mod browser;
mod options;
mod page;
mod port;
mod process;
mod session;
mod wire;

pub use browser::ProfileError;
pub use options::{Limits, WaOptions};
pub use page::check_library;
pub use port::{StartError, WhatsAppWeb};
pub use process::{NoProgram, NoVersion, can_shut_ports, find_browser, find_driver, major, version};
pub use wire::event as read_event;
