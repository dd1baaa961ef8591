//! The integration tests, in one binary.

// Futures of the workers are nested deeper than the compiler follows by default.
#![recursion_limit = "256"]

mod api;
mod architecture;
mod bridge;
mod cli;
mod contract;
mod desk;
mod e2e;
mod matrix;
mod rig;
mod seed;
mod simulation;
mod store;
mod torture;
mod wa;
mod ws;
