//! The pieces of every handler: extractors, listings, answers, entity tags, problems and request
//! ids.

pub mod answer;
pub mod cursor;
pub mod encoding;
pub mod extract;
pub mod listing;
pub mod objects;
pub mod problem;
pub mod request_id;
pub mod tags;
pub mod takes;
mod words;
