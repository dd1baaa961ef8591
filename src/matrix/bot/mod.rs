//! The bot: an ordinary user of a homeserver, on matrix-sdk. It logs in, syncs, creates rooms and sends.

mod adapter;
mod connection;
mod cross_signing;
mod files;
mod gap;
mod invitations;
mod login;
mod prefix;
mod rooms;
mod sdk_sync;
mod send;
mod session;
mod space;
mod state;
mod sync;
mod updates;

pub use adapter::Bot;
pub use session::reset;
