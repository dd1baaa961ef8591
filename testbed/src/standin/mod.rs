//! The stand-in of WhatsApp Web: a page that offers the module boundary which client libraries look for, and the
//! service behind it with its phones, linked devices and customers.
//!
//! It owns one make-believe world a [`StandIn`], reached by typed handles ([`Phone`], [`Customer`]) and by HTTP
//! ([`control`]). It never knows who drives the page: what it does comes from the facts about WhatsApp Web, and the
//! unmodified client libraries in `testbed/clients` are what makes it believable. Status and calls are not here.

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
mod handles;
mod jid;
mod link;
mod media_http;
mod media_store;
mod options;
mod pairing;
mod people;
mod script;
mod server;
mod service;
mod stanza;
mod thread;
mod tls;
mod wire;
mod world;

pub use accept::Accepted;
pub use attachment::{Attachment, AttachmentKind};
pub use body::Body;
pub use customer::{Customer, CustomerRecord, Received};
pub use device::DeviceId;
pub use doings::Draft;
pub use faults::{Faults, LoseAnswer, Network};
pub use handles::StandIn;
pub use jid::Jid;
pub use link::Phone;
pub use media_store::Corruption;
pub use options::{Address, KeyLayout, NewCustomer, Options};
pub use pairing::LinkError;
pub use people::{CustomerId, PhoneId};
pub use script::{Rule, Script};
pub use server::StartError;
pub use thread::{AckChange, Message, ReadReceipt, Thread, Typing};
pub use world::World;
