//! Kinds of messages that rooms show and take in a way of their own.

mod history;
mod links;
pub(super) mod polls;
mod thumbnails;
mod typing;

pub use typing::CustomerTyping;
