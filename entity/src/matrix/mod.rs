//! Rooms, their events, and the agents who are invited to them.

pub mod agent;
pub mod agent_receipt;
pub mod card;
pub mod internal_event;
pub mod pending_event;
pub mod question;
pub mod room;
pub mod room_event;
pub mod room_place;
pub mod room_reaction;
pub mod room_read;
pub mod taken_event;
