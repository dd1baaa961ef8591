//! Starters of the real servers for tests and the demo. Each server has a temporary folder, a free loopback port and a
//! process group; it is killed and reaped when dropped, and also if this process dies in any other way.
//!
//! This module knows how each server is found, configured, started and stopped. It does not know what the program does
//! with it.

mod account;
mod browsers;
mod folder;
mod launch;
mod mariadb;
mod node;
mod port;
mod postgres;
mod process;
mod programs;
mod python;
mod synapse;

pub use browsers::{chromedriver, chromium, nft};
pub use folder::{Folder, kept_folder};
pub use launch::Launch;
pub use mariadb::MariaDb;
pub use node::{node, npm_ci};
pub use port::free_port;
pub use postgres::Postgres;
pub use process::{Process, Signal, is_running};
pub use programs::{QUICK, find, quick};
pub use python::{environment as python_environment, schemathesis};
pub use synapse::{Options as SynapseOptions, RateLimits, Synapse};

/// Whether a database server survives a power cut. Only a test of exactly that needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing is synced to the disk: fast, and safe against `kill -9` of any process.
    #[default]
    None,
    /// As installed.
    Full,
}
