//! The core that knows no browser, no homeserver and no database: what a message, a session, a customer and an event are,
//! how they change, and the ports through which the outside is reached. Nothing here waits or does I/O.

pub mod account;
pub mod clock;
pub mod conversation;
pub mod customer;
pub mod delivery;
pub mod details;
pub mod event;
pub mod history;
pub mod matrix;
pub mod message;
pub mod outbox;
pub mod session;
pub mod whatsapp;
pub mod word;

pub use clock::{Clock, Timestamp};
pub use entity::ids::{
    AccountId, AgentId, ApiKeyId, ChatId, ConversationId, CustomerId, HistoryChatId, HistoryMark, MatrixEventId,
    MatrixRoomId, MatrixUserId, MessageId, OutboxId, QuarantineId, Seq, WaMessageId, WaUserId,
};
