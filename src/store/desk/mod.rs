//! The desk's own work: who has a conversation and how it stands, attributes, labels, notes, and messages for later.

mod attributes;
mod customer_labels;
mod exports;
mod guard;
mod labels;
mod list;
mod notes;
mod scheduled;
mod work;

pub use attributes::{AttributeChange, NewAttribute};
pub use exports::ExportEnd;
pub use labels::{LabelChange, NewLabel};
pub use list::ConversationFilter;
pub use scheduled::ScheduledSend;
pub(in crate::store) use scheduled::is_due;
pub use work::{OpenCount, Standing};

/// How much earlier than another message, in milliseconds, one may have been written that is stored after it: messages
/// are found late when the account was offline.
const LATE_FOUND: i64 = 7 * 24 * 60 * 60 * 1000;
