//! Development only: the servers, clients, attackers and the stand-in that tests, the demo and the benchmarks use. Knows nothing
//! of the program but its sources (`house`).

// The futures of matrix-sdk-ui lie deeper in each other than the compiler looks by itself.
#![recursion_limit = "256"]

pub mod agents;
pub mod house;
pub mod memory;
pub mod servers;
pub mod siege;
pub mod standin;

pub use servers::{QUICK, quick};
