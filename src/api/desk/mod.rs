//! The desk: who works at it, assignments, statuses, labels, notes, messages for later.

pub mod agents;
pub mod attributes;
pub mod counts;
pub mod exports;
pub mod labels;
pub mod me;
pub mod notes;
pub mod templates;
pub mod work;
