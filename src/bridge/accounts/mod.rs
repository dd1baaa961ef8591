//! Starts, runs and removes the accounts of this process, as their rows say.

mod linking;
mod manager;
mod removal;
mod start;
mod tidying;

pub use linking::Linking;
pub use manager::{AccountManager, Source};
pub use start::{LoggedIn, RoomsKept, start};
pub use tidying::{Kept, tidy};
