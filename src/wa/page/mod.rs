//! The page in the browser: the script that is put into it, and calls of that script over the debugging protocol. Knows how
//! a call fails, not what it means.

mod cdp;
mod library;

pub use cdp::{CallError, News, Page};
pub use library::{Names, NoLibrary, script};
