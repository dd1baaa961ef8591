//! The program's sources as its rules and measures read them: modules, what they name, and who uses whom. Reads texts alone.

mod graph;
pub mod items;
mod pages;
mod paths;
mod source;

pub use graph::{Graph, circles};
pub use pages::{absent_pages, rule_references};
pub use source::{Place, Program, Source, code, visit, without_texts};
