//! The desk's own work: labels, notes, messages for later, templates.

pub mod attribute;
pub mod conversation_label;
pub mod customer_label;
pub mod export;
pub mod label;
pub mod note;
pub mod scheduled_send;
pub mod template;
