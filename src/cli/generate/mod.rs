//! Generates from the commands: completions and the manual page.

pub mod complete;
pub mod completion;
pub mod man;
