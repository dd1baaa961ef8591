//! The service layer. It stores the events of WhatsApp and of the rooms, accepts what people write, and works off the
//! outbox. Every write about messages, people, rooms and accounts begins here (writes about keys begin in `api`, the
//! first account in `cli`). It knows the ports, never the adapters.
//!
//! Its wings, each using only those before it: `core` (shared by all), `media`, `inbound`, `history`, `outbound`,
//! `desk` (requests of the faces), `rooms`, `accounts` (starts the workers of the others).

mod accounts;
mod core;
mod desk;
mod history;
mod inbound;
mod media;
mod outbound;
mod rooms;

pub use self::core::accounts::{add_account, begin_removal, rebind_account, release_account, release_rooms};
pub use self::core::agents::{Reconciled, reconcile_agents};
pub use self::core::clock::check_clock;
pub use self::core::command::{
    Answered, Idempotency, MAX_IDEMPOTENCY_KEY, SendCommand, SendFile, SendTo, TemplateFill,
};
pub use self::core::lanes::{InHand, Lanes, Pieces};
pub use self::core::policy::{Policy, ReadMode};
pub use self::core::random::Random;
pub use self::core::reader::ReadReceipts;
pub use self::core::refusal::Refusal;
pub use self::core::registry::AccountHandle;
pub use self::core::syncs::Syncs;
pub use self::core::worker::{Wake, Wakes, Worker};
pub use self::core::{Core, Progress};
pub use accounts::{AccountManager, Kept, Linking, LoggedIn, RoomsKept, Source, start, tidy};
pub use desk::{
    AgentEdit, AgentRequest, Assignment, AttributeEdit, AuditLine, CustomerEdit, Desk, DeskWorker, ExportWorker,
    GatewayMessage, KeyMade, KeyRequest, LabelEdit, MAX_OVERLAP, NewCustomer, NewNote, PreviewFor, Rendered, Replayed,
    Resolution, Revision, Rotation, SeenCustomer, SeenMessage, TemplateEdit, Upload, create_key, csv, export_rows,
    of_messages,
};
pub use history::{DisappearingWorker, Importer};
pub use inbound::Inbound;
pub use media::{AvatarFetcher, MAX_AVATAR_BYTES, MediaFetcher, Room, check_room, sweep};
pub use outbound::{AgentTyping, ReadReceiptWorker, WhatsAppRelay};
pub use rooms::{
    COMMANDS as ROOM_COMMANDS, CustomerTyping, DeskSpaces, KnownLogins, ManagementRoom, Moving, OutageWatch, RoomFiles,
    RoomInbound, RoomMover, RoomRelay, abandon_former, know_logins, rooms_move,
};
