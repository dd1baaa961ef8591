//! Matrix on the wire, without any request: contents of events and of a room's state, sync filters and tokens, and how a
//! request failed. Shared by whatever speaks to a homeserver.

mod content;
mod event;
mod fault;
mod filter;
mod receipt;
mod state;
mod token;

pub use content::{TXN_KEY, outgoing};
pub use event::read as read_event;
pub use fault::Fault;
pub use filter::filter;
pub use receipt::receipts;
pub use state::{Found, Wanted, via};
pub use token::{unwrap as unwrap_token, wrap as wrap_token};
