//! Nouns of the desk.

pub mod label;
pub mod template;
mod time;
