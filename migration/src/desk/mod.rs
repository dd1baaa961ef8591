//! Tables and columns of the desk's own work, and of who works at it.

pub mod m0020_conversation_work;
pub mod m0021_notes_and_labels;
pub mod m0022_scheduled_sends;
pub mod m0025_templates;
pub mod m0026_agent_roles;
pub mod m0027_key_owners;
pub mod m0028_agent_signatures;
pub mod m0029_customer_labels;
pub mod m0030_attributes;
pub mod m0031_exports;
pub mod m0032_internal_events;
