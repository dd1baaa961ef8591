//! The desk's own work: attributes, labels, notes, messages for later, and the guard against answers that cross.

pub mod attribute;
pub mod label;
pub mod note;
pub mod schedule;
pub mod when;
