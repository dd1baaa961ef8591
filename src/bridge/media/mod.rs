//! Media of messages, and avatars: fetched, stored, and swept when nothing refers to them.

pub(super) mod attach;
mod avatars;
mod fetcher;
mod room;
mod sweep;
mod vault_pause;

pub use avatars::AvatarFetcher;
pub use avatars::MAX_AVATAR_BYTES;
pub(super) use avatars::{AVATAR_TYPES, avatar_row};
pub use fetcher::MediaFetcher;
pub use room::{Room, check_room};
pub use sweep::{SweepError, sweep};
