//! The bot: an ordinary user of a homeserver, on matrix-sdk. It logs in, syncs, creates rooms and sends.

mod adapter;
mod cross_signing;
mod files;
mod gap;
mod invitations;
mod login;
mod sdk_sync;
mod send;
mod session;
mod sync;
mod updates;

pub use adapter::Bot;
pub use session::reset;
