//! The integration tests, in one binary.

mod architecture;
mod bridge;
mod e2e;
mod rig;
mod simulation;
mod store;
mod torture;
