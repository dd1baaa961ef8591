//! Development only: what the tests, the demo and the benches stand on. Nothing of the program is known here but its
//! sources (`house`).

pub mod agents;
pub mod house;
pub mod servers;
pub mod standin;

pub use servers::{QUICK, quick};
