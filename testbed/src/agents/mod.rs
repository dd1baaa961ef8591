//! Agents with their Matrix clients: three implementations, two of them driven as child processes.
//! They report what a person would see: names, bodies that could be decrypted, shields. They know nothing of the
//! program.

mod agent;
mod conditions;
mod content;
mod element_x;
mod mirror;
mod rest;
#[cfg(test)]
mod tests;
mod wire;

pub use agent::{Agent, Client};
pub use content::Content;
pub use mirror::Mirror;
pub use rest::NewRoom;
pub use wire::{Device, Message, Room, Shield, Trust};
