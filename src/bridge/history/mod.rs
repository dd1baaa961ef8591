//! The past: imported once, in order; and messages that disappear at their time.

mod disappearing;
mod hand;
mod importer;

pub use disappearing::Vanishing;
pub use importer::Importer;
