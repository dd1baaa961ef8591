//! The desk's own work: attributes, labels, notes, messages for later, exports, and the guard against answers that cross.

pub mod attribute;
pub mod card;
pub mod export;
pub mod internal;
pub mod label;
pub mod mark;
pub mod note;
pub mod question;
pub mod schedule;
pub mod sub_space;
pub mod when;
