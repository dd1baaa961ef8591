//! The adapter to Matrix against a real homeserver, with independent clients as the agents.

mod connection;
mod desk;
mod encryption;
mod files;
mod rooms;
mod sending;
mod service;
mod service_desk;
mod service_losses;
mod service_pushes;
mod sub_spaces;
mod syncing;
mod versions;
