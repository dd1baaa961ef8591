//! The service layer. Everything passes through here: what WhatsApp and the rooms tell is taken in, what people write is
//! accepted, and the outbox is worked off. The only layer that begins a write. Knows the ports, never the adapters.

pub mod desk;

pub use desk::{Accepted, Desk, Refusal, SendCommand, SendTo};
