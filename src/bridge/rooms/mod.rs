//! Matrix rooms: what is shown in them, and what agents write there.

mod commands;
mod effects;
mod event;
mod gone;
mod inbound;
mod relay;
mod render;
mod sending;
mod spec;
mod ticks;
mod txn;

pub use inbound::RoomInbound;
pub use relay::RoomRelay;
