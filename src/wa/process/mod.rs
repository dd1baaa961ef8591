//! Operating-system processes: process groups, identities that survive the reuse of process ids, orphans of an earlier
//! run, ports that other users cannot reach, and the search for programs. Knows neither the browser's protocols nor WhatsApp.

mod environment;
mod firewall;
mod group;
mod id;
mod orphans;
mod programs;

pub use firewall::{ShutPort, can_shut_ports};
pub use group::Group;
pub use id::{host, memory_of_group};
pub use orphans::Orphans;
pub use programs::{NoProgram, NoVersion, find_browser, find_driver, major, version};
