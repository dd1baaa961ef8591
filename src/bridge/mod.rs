//! The service layer. Everything passes through here: what WhatsApp and the rooms tell is taken in, what people write is
//! accepted, and the outbox is worked off. The only layer that begins a write. Knows the ports, never the adapters.

mod acting;
mod changes;
mod core;
mod decisions;
mod desk;
mod fetching;
mod inbound;
mod intake;
mod lines;
mod media;
mod media_desk;
mod outbound;
mod outgoing;
mod outgoing_file;
mod reading;
mod resync;
mod revisions;
mod room_event;
mod room_inbound;
mod room_relay;
mod room_spec;
mod sessions;
mod start;
mod sweeping;
mod ticks;
mod trouble;
mod whatsapp_changes;
mod whatsapp_relay;

pub use self::core::{Bell, Core, Policy, Progress, Random, ReadMode};
pub use crate::vault::VaultError;
pub use decisions::{Replayed, Resolution};
pub use desk::{Accepted, Desk, Idempotency, Line, MAX_IDEMPOTENCY_KEY, Refusal, SendCommand, SendFile, SendTo};
pub use fetching::Fetching;
pub use inbound::Inbound;
pub use media_desk::{Upload, Uploaded};
pub use reading::{Reader, Reading};
pub use revisions::Revision;
pub use room_inbound::RoomInbound;
pub use room_relay::RoomRelay;
pub use start::{Drive, start};
pub use sweeping::sweep;
pub use whatsapp_relay::WhatsAppRelay;
