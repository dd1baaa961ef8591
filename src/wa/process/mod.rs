//! Operating-system processes: a child with everything that it starts, the identity that names one process for ever, the
//! orphans of an earlier run, and where the programs are. Knows nothing of browsers' protocols or of WhatsApp.

mod group;
mod id;
mod orphans;
mod programs;

pub use group::Group;
pub use id::{host, memory_of_group};
pub use orphans::Orphans;
pub use programs::{NoProgram, NoVersion, find_browser, find_driver, major, version};
