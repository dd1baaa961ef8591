//! Nouns of the desk.

pub mod attribute;
pub mod export_job;
pub mod label;
pub mod template;
