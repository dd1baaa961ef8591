//! The desk's own work: assignments, statuses, labels, notes, messages for later.

mod label;
mod note;
mod work;

pub use label::{EditLabel, LabelView, NewLabelRequest, in_path};
pub use note::{NoteRequest, NoteView};
pub use work::{
    AssignCommand, AssignRequest, CountsView, LabelCommand, MessageCommand, MissedView, NoteCommand, OpenCountView,
    StatusCommand, StatusRequest,
};
