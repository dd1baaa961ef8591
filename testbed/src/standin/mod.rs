//! The stand-in of WhatsApp Web: a page with the module boundary that client libraries look for, and the service behind
//! it with its phones, linked devices and customers.
//!
//! Each [`StandIn`] is one fictional world, controlled by typed handles ([`Phone`], [`Customer`], [`Group`]) and by
//! HTTP ([`control`]). It does not know which client drives the page: its behaviour follows the facts about WhatsApp
//! Web, and the unmodified client libraries in `testbed/clients` check that it is realistic. Status and calls are not
//! implemented.

mod clock;
pub mod control;
mod device;
mod faults;
mod handles;
mod history;
mod link;
mod lookups;
mod media_store;
mod messages;
mod net;
mod options;
mod pairing;
mod people;
mod script;
mod troubles;
mod world;

pub use device::DeviceId;
pub use faults::{Faults, LoseAnswer, Network, Restriction};
pub use handles::StandIn;
pub use link::Phone;
pub use media_store::Corruption;
pub use messages::accept::Accepted;
pub use messages::attachment::{Attachment, AttachmentKind};
pub use messages::body::Body;
pub use messages::doings::Draft;
pub use messages::poll::Vote;
pub use messages::thread::{AckChange, Message, ReadReceipt, Thread, Typing};
pub use net::server::StartError;
pub use options::{Address, KeyLayout, NewCustomer, NewGroup, Options};
pub use pairing::LinkError;
pub use people::customer::{Customer, CustomerRecord, Received};
pub use people::group_handle::Group;
pub use people::jid::Jid;
pub use people::place::{ChatWith, Who};
pub use people::{CustomerId, GroupId, PhoneId};
pub use script::{Rule, Script};
pub use world::World;
