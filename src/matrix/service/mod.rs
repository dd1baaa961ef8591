//! The application service: customers are users of their own on the homeserver, which pushes to us what happens. No user
//! has a client of its own; all share one pool of connections.

mod adapter;
mod check;
mod ghosts;
mod handing;
mod inbox;
mod invitations;
mod own_homeserver;
mod push;
mod sending;
mod session;

pub use adapter::Service;
pub use check::{Checked, Judgement, check};
pub use inbox::is_mark;
