//! The page in the browser: the script that is injected, and calls of that script over the debugging protocol (CDP).
//! Knows how a call fails, not what it means.

mod cdp;
mod library;

pub use cdp::{CallError, Page, PageSignal};
pub use library::{Library, Names, NoLibrary, check as check_library};
