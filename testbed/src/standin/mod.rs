//! The stand-in of WhatsApp Web: a page with the module boundary that client libraries look for, and the service behind
//! it with its phones, linked devices and customers.
//!
//! Each [`StandIn`] is one fictional world, controlled by typed handles ([`Phone`], [`Customer`], [`Group`]) and by
//! HTTP ([`control`]). It does not know which client drives the page: its behaviour follows the facts about WhatsApp
//! Web, and the unmodified client libraries in `testbed/clients` check that it is realistic. Status and calls are not
//! implemented.

mod accept;
mod assets;
mod attachment;
mod body;
mod chat_socket;
mod clock;
pub mod control;
mod customer;
mod delivery;
mod device;
mod disk_socket;
mod doings;
mod draft;
mod faults;
mod group;
mod group_handle;
mod handles;
mod history;
mod identity;
mod jid;
mod link;
mod lookups;
mod media_http;
mod media_store;
mod options;
mod pairing;
mod people;
mod place;
mod poll;
mod post;
mod script;
mod server;
mod service;
mod stanza;
mod thread;
mod timer;
mod tls;
mod troubles;
mod wire;
mod world;

pub use accept::Accepted;
pub use attachment::{Attachment, AttachmentKind};
pub use body::Body;
pub use customer::{Customer, CustomerRecord, Received};
pub use device::DeviceId;
pub use doings::Draft;
pub use faults::{Faults, LoseAnswer, Network, Restriction};
pub use group_handle::Group;
pub use handles::StandIn;
pub use jid::Jid;
pub use link::Phone;
pub use media_store::Corruption;
pub use options::{Address, KeyLayout, NewCustomer, NewGroup, Options};
pub use pairing::LinkError;
pub use people::{CustomerId, GroupId, PhoneId};
pub use place::{ChatWith, Who};
pub use poll::Vote;
pub use script::{Rule, Script};
pub use server::StartError;
pub use thread::{AckChange, Message, ReadReceipt, Thread, Typing};
pub use world::World;
