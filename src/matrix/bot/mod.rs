//! The bot: an ordinary user of a homeserver, on matrix-sdk. It logs in, syncs, creates rooms and sends.

mod adapter;
mod backlog;
mod cross_signing;
mod files;
mod gap;
mod handing;
mod invitations;
mod keys;
mod login;
mod recovery;
mod sdk_sync;
mod send;
mod session;
mod sync;
mod updates;
mod verification;

pub use adapter::Bot;
pub use recovery::{recovery_key, write_recovery_key};
pub use session::{order_new_backup, reset};
pub use verification::{log_out, verify};
