//! Reads the program's sources for the architecture tests and the measures: modules, the names that they use, and the
//! graph of both. Reads text only.

mod graph;
pub mod items;
mod pages;
mod paths;
mod source;

pub use graph::{Graph, circles};
pub use pages::{absent_pages, rule_references};
pub use source::{Place, Program, Source, code, visit, without_texts};
