//! Output to a terminal: tables, JSON lines, notes and progress bars.

pub mod bar;
pub mod layout;
pub mod output;
