//! The rows of the database and the newtypes of their ids, and nothing else.
//!
//! Times are milliseconds since 1970-01-01T00:00:00Z. Words (`kind`, `state` …) are the domain's. Rows are also written
//! to and read from backups, so a change of a field is a change of the backup's format.

pub mod account;
pub mod agent;
pub mod api_key;
pub mod audit;
mod base64;
pub mod chat_group;
pub mod conversation;
pub mod cursor;
pub mod customer;
pub mod customer_apart;
pub mod customer_identity;
pub mod history_chat;
pub mod history_import;
pub mod idempotency_key;
pub mod ids;
pub mod journal;
pub mod journal_head;
pub mod media;
pub mod merge;
pub mod message;
pub mod outbox;
pub mod pending_event;
pub mod quarantine;
pub mod room;
pub mod room_event;
pub mod setting;
