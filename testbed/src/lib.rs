//! Development only: the servers, clients, attackers and the stand-in that tests, the demo and the benchmarks use. Knows nothing
//! of the program but its sources (`house`).

pub mod agents;
pub mod house;
pub mod memory;
pub mod servers;
pub mod siege;
pub mod standin;

pub use servers::{QUICK, quick};
