//! `crm`: a WhatsApp desk for small teams. `ARCHITECTURE.md` is the map.

pub mod bridge;
pub mod clock;
pub mod domain;
pub mod supervisor;
