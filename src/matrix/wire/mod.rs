//! Matrix's formats on the wire: events, state, receipts, filters, tokens and failures. Pure: makes no request. Shared
//! by every adapter that talks to a homeserver.

mod content;
mod event;
#[cfg(test)]
mod event_tests;
mod fault;
mod filter;
mod ids;
mod kinds;
mod marks;
mod markup;
mod pins;
mod profile;
mod receipt;
mod registration;
mod sent;
mod state;
mod token;
mod transaction;

pub use content::{Outgoing, outgoing};
pub use event::read as read_event;
pub use fault::Fault;
pub use filter::{filter, position_filter, sdk_filter};
pub use ids::{event_id, room_id, user_id};
pub use kinds::status::deliver;
pub use kinds::typing::typing;
pub use pins::pinned;
pub use profile::GhostProfile;
pub use receipt::receipts;
pub use registration::{Registration, RegistrationError};
pub use sent::id_if_sent_as;
pub use state::{FENCE, INVITE_LEVEL, RoomState, Wanted, via};
pub use token::{Position, position};
pub use transaction::Transaction;
