//! The integration tests, in one binary.

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
mod strict;
mod torture;
mod wa;
mod ws;
