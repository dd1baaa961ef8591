//! The core, which knows no browser, no homeserver and no database: messages, sessions, customers and events, how they
//! change, and the ports to the outside. Nothing here waits or does I/O.

pub mod account;
pub mod account_name;
pub mod agent;
pub mod clock;
pub mod consent;
pub mod conversation;
pub mod customer;
pub mod daily;
pub mod delivery;
pub mod details;
pub mod display_name;
pub mod group;
pub mod hex;
pub mod history;
pub mod ledger;
pub mod linking;
pub mod matrix;
pub mod media;
pub mod merge;
pub mod message;
pub mod names;
pub mod outbox;
pub mod pace;
pub mod revision;
pub mod session;
pub mod special;
pub mod vitals;
pub mod whatsapp;
pub mod word;
pub mod wording;

pub use clock::{Clock, Timestamp};
pub use entity::ids::{
    AccountId, AgentId, ApiKeyId, ChatId, ConversationId, CustomerId, HistoryChatId, HistoryMark, MatrixEventId,
    MatrixRoomId, MatrixUserId, MediaId, MergeId, MessageId, OutboxId, QuarantineId, Seq, WaMessageId, WaUserId,
};
