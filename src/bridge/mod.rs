//! The service layer. Everything passes through here: what WhatsApp and the rooms tell is taken in, what people write is
//! accepted, and the outbox is worked off. The only layer that begins a write. Knows the ports, never the adapters.

mod changes;
mod core;
mod decisions;
mod desk;
mod importer;
mod inbound;
mod intake;
mod lines;
mod outbound;
mod outgoing;
mod reading;
mod resync;
mod revisions;
mod room_event;
mod room_inbound;
mod room_relay;
mod room_spec;
mod sessions;
mod start;
mod syncing;
mod ticks;
mod trouble;
mod whatsapp_changes;
mod whatsapp_relay;

pub use self::core::{Bell, Core, Policy, Progress, Random, ReadMode};
pub use decisions::{Replayed, Resolution};
pub use desk::{Accepted, Desk, Idempotency, Line, MAX_IDEMPOTENCY_KEY, Refusal, SendCommand, SendTo};
pub use importer::Importer;
pub use inbound::Inbound;
pub use reading::{Reader, Reading};
pub use revisions::Revision;
pub use room_inbound::RoomInbound;
pub use room_relay::RoomRelay;
pub use start::{Drive, start};
pub use syncing::Syncs;
pub use whatsapp_relay::WhatsAppRelay;
