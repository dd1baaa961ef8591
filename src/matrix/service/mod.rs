//! The application service: customers are users of their own on the homeserver, which pushes to us what happens, and is asked
//! for it after each absence. No user has a client of its own; all share one pool of connections.

mod adapter;
mod catch_up;
mod check;
mod ghosts;
mod handing;
mod inbox;
#[cfg(test)]
mod inbox_tests;
mod inner;
mod invitations;
mod mark;
mod own_homeserver;
mod pulse;
mod push;
mod sending;
mod session;
mod sweeping;

pub use adapter::Service;
pub use check::{Checked, Judgement, check};
pub use mark::is_mark;
