//! The desk: all operations for the faces (API, and through it shell and console). Each request that changes something
//! is one transaction and an answer; nothing external happens in it.

mod accounts;
mod consent;
mod customers;
mod edits;
mod gateway;
mod handle;
mod idempotency;
mod media;
mod photos;
mod resolutions;
mod send;
mod sync;

pub use customers::CustomerEdit;
pub use edits::Revision;
pub(crate) use edits::revise;
pub use gateway::{EARLY_ACK_WAITS, GatewayMessage};
pub use handle::Desk;
pub use media::Upload;
pub use resolutions::{Replayed, Resolution};
