//! Matrix rooms: shows messages in them, and handles what agents write there.

mod asking;
mod avatars;
mod cards;
mod changes;
mod commands;
mod effects;
mod event;
mod fetching;
mod files;
mod gone;
mod inbound;
mod kinds;
mod management;
mod moving;
mod outage;
mod pending;
mod redaction;
mod relay;
mod render;
mod revisions;
mod sending;
mod show;
mod spaces;
mod spec;
mod ticks;
mod txn;

pub use commands::COMMANDS;
pub use fetching::RoomFiles;
pub use inbound::RoomInbound;
pub use kinds::CustomerTyping;
pub use management::ManagementRoom;
pub use moving::{KnownLogins, Moving, RoomMover, abandon_former, know_logins, rooms_move};
pub use outage::OutageWatch;
pub use relay::RoomRelay;
pub use spaces::DeskSpaces;
