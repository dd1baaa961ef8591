//! The desk: all operations for the faces (API, and through it shell and console). Each request that changes something
//! is one transaction and an answer; nothing external happens in it.

mod access;
mod accounts;
mod attributes;
mod consent;
mod customers;
mod edits;
mod exports;
mod gateway;
mod guard;
mod handle;
mod idempotency;
mod labels;
mod later;
mod media;
mod notes;
mod photos;
mod resolutions;
mod send;
mod sync;
mod templates;
mod work;
mod worker;

pub use access::{AgentEdit, AgentRequest, KeyMade, KeyRequest, MAX_OVERLAP, Rotation, create_key};
pub use attributes::AttributeEdit;
pub use customers::{CustomerEdit, NewCustomer};
pub use edits::Revision;
pub(crate) use edits::revise;
pub use exports::{ExportWorker, csv, export_rows, of_messages};
pub use gateway::{EARLY_ACK_WAITS, GatewayMessage};
pub use handle::Desk;
pub use labels::LabelEdit;
pub use media::Upload;
pub(crate) use media::{describe, sendable};
pub use notes::NewNote;
pub use resolutions::{Replayed, Resolution};
pub use templates::{PreviewFor, Rendered, TemplateEdit};
pub use work::Assignment;
pub use worker::DeskWorker;
