//! Conversations, their messages and media, and the import of history.

pub mod chat_group;
pub mod conversation;
pub mod early_ack;
pub mod history_chat;
pub mod history_import;
pub mod media;
pub mod media_preview;
pub mod message;
