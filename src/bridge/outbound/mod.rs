//! Outbound: messages and changes for customers, sent in order per conversation and handed to WhatsApp once; and read
//! receipts.

mod acting;
pub(super) mod changes;
mod choosing;
pub(super) mod file;
pub(super) mod later;
mod looking;
mod outgoing;
mod pacing;
pub(super) mod queue;
mod quote;
mod read_receipts;
mod relay;
mod typing;

pub use read_receipts::ReadReceiptWorker;
pub use relay::WhatsAppRelay;
pub use typing::AgentTyping;
