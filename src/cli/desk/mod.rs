//! Nouns of the desk.

pub mod label;
