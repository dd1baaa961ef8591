//! Text that is generated from the commands: completions and the manual page.

pub mod completion;
pub mod man;
