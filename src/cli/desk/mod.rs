//! Nouns of the desk.

pub mod attribute;
pub mod label;
pub mod template;
mod time;
