//! The desk's own work: assignments, statuses, labels, notes, messages for later.

pub mod counts;
pub mod labels;
pub mod notes;
pub mod work;
