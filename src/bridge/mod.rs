//! The service layer. Everything passes through here: what WhatsApp and the rooms tell is taken in, what people write is
//! accepted, and the outbox is worked off. Every write about messages, people, rooms and accounts begins here (those about keys
//! begin in `api`, the first account in `cli`). Knows the ports, never the adapters.
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
pub use self::core::agents::{Reconciled, reconcile_agents};
pub use self::core::command::{Answered, Idempotency, MAX_IDEMPOTENCY_KEY, SendCommand, SendFile, SendTo};
pub use self::core::lanes::{InHand, Lanes, Pieces};
pub use self::core::policy::{Policy, ReadMode};
pub use self::core::random::Random;
pub use self::core::reader::Reader;
pub use self::core::refusal::Refusal;
pub use self::core::registry::Line;
pub use self::core::syncs::Syncs;
pub use self::core::worker::{Wake, Wakes, Worker};
pub use self::core::{Core, Progress};
pub use accounts::{Linking, Source, Switchboard, start};
pub use desk::{CustomerEdit, Desk, Replayed, Resolution, Revision, Upload};
pub use history::{Importer, Vanishing};
pub use inbound::Inbound;
pub use media::{Fetching, Portraits, sweep};
pub use outbound::{Reading, WhatsAppRelay};
pub use rooms::{RoomInbound, RoomRelay};
