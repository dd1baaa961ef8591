//! The WebSocket's contract: how a connection begins, what it is told, how it resumes and how it ends.

mod begins;
pub mod client;
mod commands;
mod ends;
mod events;
mod memory;
