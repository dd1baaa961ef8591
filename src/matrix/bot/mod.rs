//! Matrix's port as an ordinary user of a homeserver (a bot) on matrix-sdk: it logs in, syncs, makes rooms and sends.

mod adapter;
mod cross_signing;
mod gap;
mod invitations;
mod link;
mod login;
mod rooms;
mod send;
mod session;
mod space;
mod state;
mod sync;
mod turn;
mod updates;

pub use adapter::Bot;
pub use session::reset;
