//! Media of messages, and avatars: fetched, stored, and swept when nothing refers to them.

pub(super) mod attach;
mod avatars;
mod fetcher;
mod room;
mod sweep;

pub use avatars::AvatarFetcher;
pub use fetcher::MediaFetcher;
pub use room::{Room, check_room};
pub use sweep::{SweepError, sweep};
