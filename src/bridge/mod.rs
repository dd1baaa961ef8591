//! The service layer. Everything passes through here: what WhatsApp and the rooms tell is taken in, what people write is
//! accepted, and the outbox is worked off. Every write about accounts, customers and messages begins here; keys and their
//! audit log are the API's own. Knows the ports, never the adapters.
//!
//! Its wings, each using only those before it: `core` (what all share), `media`, `inbound`, `history`, `outbound`, `desk`
//! (what faces ask for), `rooms`, `accounts` (which starts the workers of the others).

mod accounts;
mod core;
mod desk;
mod history;
mod inbound;
mod media;
mod outbound;
mod rooms;

pub use self::core::accounts::{add_account, begin_removal, release_account};
pub use self::core::command::{Accepted, Idempotency, MAX_IDEMPOTENCY_KEY, SendCommand, SendFile, SendTo};
pub use self::core::policy::{Policy, ReadMode};
pub use self::core::random::Random;
pub use self::core::reader::Reader;
pub use self::core::refusal::Refusal;
pub use self::core::registry::Line;
pub use self::core::syncs::Syncs;
pub use self::core::wake_up::Bell;
pub use self::core::{Core, Progress};
pub use accounts::{Source, Switchboard, start};
pub use desk::{CustomerEdit, Desk, Replayed, Resolution, Revision, Upload, Uploaded};
pub use history::{Importer, Vanishing};
pub use inbound::Inbound;
pub use media::{Fetching, Portraits, sweep};
pub use outbound::{Reading, WhatsAppRelay};
pub use rooms::{RoomInbound, RoomRelay};
