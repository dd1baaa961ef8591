//! The rows of the database and the newtypes of their ids, and nothing else.
//!
//! Times are milliseconds since 1970-01-01T00:00:00Z. Words (`kind`, `state` …) are the domain's. Rows are also written
//! to and read from backups, so a change of a field is a change of the backup's format.

pub mod account;
pub mod api_key;
pub mod audit;
mod base64;
pub mod cursor;
mod desk;
pub mod idempotency_key;
pub mod ids;
pub mod journal;
pub mod journal_head;
mod matrix;
mod messages;
pub mod outbox;
mod people;
pub mod quarantine;
pub mod setting;

pub use desk::{attribute, conversation_label, customer_label, export, label, note, scheduled_send, template};
pub use matrix::{
    agent, agent_receipt, card, internal_event, pending_event, question, room, room_event, room_place, room_reaction,
    room_read, taken_event,
};
pub use messages::{chat_group, conversation, early_ack, history_chat, history_import, media, media_preview, message};
pub use people::{customer, customer_apart, customer_identity, merge};
