//! `crm`: a WhatsApp desk for small teams. `ARCHITECTURE.md` is the map.

pub mod api;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod domain;
pub mod fetch;
pub mod matrix;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod vault;
pub mod wa;
