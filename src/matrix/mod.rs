//! Matrix on a real homeserver: the adapter behind [`crate::domain::matrix::Matrix`].
//!
//! Owns the login, the encryption keys, and the format of rooms, messages and events on the wire; no other module
//! parses Matrix's ids or tokens. Decides nothing about messages: it reports what happened and does what it is asked.
//! No message text is logged; matrix-sdk's own log targets stay at info or above (rule 32).

mod bot;
mod connection;
mod download;
mod handing;
mod homeserver;
mod options;
mod rooms;
mod service;
mod wire;

pub use bot::{Bot, log_out, order_new_backup, recovery_key, reset, verify, write_recovery_key};
pub use options::{MatrixOptions, Password, ServiceOptions, SpaceOptions};
pub use service::{Checked, Judgement, Service, check};
pub use wire::{Registration, RegistrationError};

use crate::domain::matrix::RoomMark;
use crate::domain::moving::LoginKind;

/// Directives that a log filter begins with. The SDK logs a room that it does not know yet as an error and every
/// request that it sends; what an operator needs to know of these, the adapter logs itself.
pub const QUIET: &str =
    "matrix_sdk=warn,matrix_sdk::http_client=off,matrix_sdk::room=off,matrix_sdk_base=warn,matrix_sdk_crypto=error";

/// Returns the kind of login that has made a mark.
pub fn login_of(mark: &RoomMark) -> Option<LoginKind> {
    if mark.0.starts_with('@') {
        return Some(LoginKind::Bot);
    }
    service::is_mark(mark).then_some(LoginKind::Service)
}
