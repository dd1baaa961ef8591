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

pub use access::{AgentEdit, AgentRequest, AuditLine, KeyMade, KeyRequest, MAX_OVERLAP, Rotation, create_key};
pub use attributes::AttributeEdit;
pub use customers::{CustomerEdit, NewCustomer};
pub(crate) use customers::{change as change_customer, merge as merge_customers};
pub use edits::Revision;
pub(crate) use edits::revise;
pub use exports::{ExportWorker, csv, export_rows, of_messages};
pub use gateway::{EARLY_ACK_WAITS, GatewayMessage};
pub use handle::Desk;
pub use labels::LabelEdit;
pub(crate) use labels::{put as put_label, take as take_label};
pub(crate) use later::release;
pub use media::Upload;
pub(crate) use media::{describe, sendable};
pub use notes::NewNote;
pub(crate) use notes::{delete as delete_note, write as write_note};
pub(crate) use resolutions::{Decision, decide};
pub use resolutions::{Replayed, Resolution};
pub(crate) use send::put_in;
pub use templates::{PreviewFor, Rendered, TemplateEdit};
pub use work::Assignment;
pub(crate) use work::{assign, stand};
pub use worker::DeskWorker;
