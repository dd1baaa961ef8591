//! The port to Matrix on a real homeserver, as an ordinary user (a bot) through matrix-sdk.
//!
//! Owns the login, the encryption keys, and what a room, a message and an event look like on the wire; nobody else parses
//! Matrix's ids or tokens. Never decides what is told to whom: it hands over what happened and does what it is told.
//! Nothing of a message's text is logged; matrix-sdk's own log targets belong at info or above (rule 32).

mod asking;
mod bot;
mod content;
mod event;
mod fault;
mod gap;
mod identity;
mod invitations;
mod link;
mod login;
mod news;
mod options;
mod rooms;
mod send;
mod session;
mod space;
mod state;
mod sync;
mod token;
mod turn;

pub use bot::Bot;
pub use options::{MatrixOptions, Password, SpaceOptions};
pub use session::reset;

/// Directives of a log filter: the SDK takes a customer without a room for an error and counts every event that it sends;
/// what an owner has to know of it, we tell.
pub const QUIET: &str =
    "matrix_sdk=warn,matrix_sdk::http_client=off,matrix_sdk::room=off,matrix_sdk_base=warn,matrix_sdk_crypto=error";
