//! Development only: the servers, clients and the stand-in that tests, the demo and the benchmarks use. Knows nothing
//! of the program but its sources (`house`).

pub mod agents;
pub mod house;
pub mod servers;
pub mod standin;

pub use servers::{QUICK, quick};
