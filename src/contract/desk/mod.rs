//! The desk: who works at it, assignments, statuses, labels, notes, messages for later.

mod agent;
mod attribute;
mod caller;
mod export;
mod forward;
mod hidden;
mod label;
mod note;
pub mod template;
mod work;

pub use agent::{AccountRef, AgentView, EditAgent, NewAgent};
pub use attribute::{AttributeView, EditAttribute, NewAttributeRequest};
pub use caller::CallerView;
pub use export::{ExportRequest, ExportView};
pub use forward::{ForwardCommand, ForwardRequest};
pub use hidden::{HIDDEN, hide_numbers, id_without, mentions_without, name_without, text_without};
pub use label::{EditLabel, LabelView, NewLabelRequest};
pub use note::{NoteRequest, NoteView};
pub use work::{
    AssignCommand, AssignRequest, CountsView, LabelCommand, MessageCommand, MissedView, NoteCommand, OpenCountView,
    StatusCommand, StatusRequest,
};
