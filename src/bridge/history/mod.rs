//! History import, and the removal of disappearing messages.

mod disappearing;
mod hand;
mod importer;

pub use disappearing::DisappearingWorker;
pub use importer::Importer;
