//! Development only: what the tests, the demo and the benches stand on. Nothing of the program is known here.

pub mod agents;
pub mod servers;
pub mod standin;

pub use servers::{QUICK, quick};
