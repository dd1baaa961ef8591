//! Media of messages, and avatars: fetched, stored, and swept when nothing refers to them.

pub(super) mod attach;
mod avatars;
mod fetcher;
mod sweep;

pub use avatars::Portraits;
pub use fetcher::Fetching;
pub use sweep::sweep;
