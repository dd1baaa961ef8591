//! The core, which knows no browser, no homeserver and no database: messages, sessions, customers and events, how they
//! change, and the ports to the outside. Nothing here waits or does I/O.

pub mod account;
pub mod agent;
pub mod app_service;
pub mod clock;
pub mod conversation;
pub mod customer;
pub mod delivery;
pub mod desk;
pub mod gateway;
pub mod group;
pub mod hex;
pub mod history;
pub mod linking;
pub mod matrix;
pub mod media;
pub mod message;
pub mod moving;
pub mod outbox;
pub mod own_homeserver;
pub mod pacing;
pub mod qr;
pub mod rights;
pub mod shown;
pub mod speaker;
pub mod template;
pub mod whatsapp;
pub mod word;

pub use account::{session, vitals};
pub use clock::{Clock, Timestamp};
pub use customer::{display_name, ledger, merge, names, numbers, revision};
pub use desk::{attribute, card, export, internal, label, mark, note, question, schedule, sub_space, when};
pub use entity::ids::{
    AccountId, AgentId, ApiKeyId, AttributeId, ChatId, ConversationId, CustomerId, ExportId, HistoryChatId,
    HistoryMark, LabelId, MatrixEventId, MatrixRoomId, MatrixUserId, MediaId, MergeId, MessageId, NoteId, OutboxId,
    OwnerId, QuarantineId, Seq, TemplateId, WaMessageId, WaUserId,
};
pub use message::{details, forward, mentions, signature, special, vcard, wording};
pub use pacing::{consent, daily};
pub use rights::{Operation, Role, Scope};
