//! The port to Matrix on a real homeserver, as an ordinary user (a bot) through matrix-sdk.
//!
//! Owns the login, the encryption keys, and what a room, a message and an event look like on the wire; nobody else parses
//! Matrix's ids or tokens. Never decides what is told to whom: it hands over what happened and does what it is told.
//! Nothing of a message's text is logged; matrix-sdk's own log targets belong at info or above (rule 32).

mod bot;
mod options;
mod wire;

pub use bot::{Bot, reset};
pub use options::{MatrixOptions, Password, SpaceOptions};

/// Directives of a log filter: the SDK takes a customer without a room for an error and counts every event that it sends;
/// what an owner has to know of it, we tell.
pub const QUIET: &str =
    "matrix_sdk=warn,matrix_sdk::http_client=off,matrix_sdk::room=off,matrix_sdk_base=warn,matrix_sdk_crypto=error";
