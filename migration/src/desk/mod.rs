//! Tables and columns of the desk's own work.

pub mod m0020_conversation_work;
pub mod m0021_notes_and_labels;
pub mod m0022_scheduled_sends;
