//! Matrix's formats on the wire: events, state, receipts, filters, tokens and failures. Pure: makes no request. Shared
//! by every adapter that talks to a homeserver.

mod content;
mod event;
mod fault;
mod filter;
mod marks;
mod markup;
mod receipt;
mod state;
mod token;

pub use content::{TXN_KEY, outgoing};
pub use event::read as read_event;
pub use fault::Fault;
pub use filter::filter;
pub use receipt::receipts;
pub use state::{INVITE_LEVEL, RoomState, Wanted, via};
pub use token::{unwrap as unwrap_token, wrap as wrap_token};
