//! Messages: how they are made, accepted, delivered and changed.

pub mod accept;
pub mod attachment;
pub mod body;
pub mod delivery;
pub mod doings;
pub mod draft;
pub mod poll;
pub mod post;
pub mod thread;
pub mod timer;
